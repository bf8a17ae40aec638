// Tokens: who has them, what they may do, and whether one that is shown is one of them. Kept in the data folder.
#pragma once

#include "engine/audit.h"
#include "schema/permit.h"
#include "schema/result.h"

#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

class Store;

/// What is known of a token. Not the token itself: of its 256 random bits a keyed BLAKE2b hash is kept.
struct Token {
  std::string id;  ///< for people, and first in the token itself
  Permit permit;
  Timestamp created;
  std::optional<Timestamp> expires, revoked;
  std::string hash;  ///< hexadecimal

  bool is_valid(Timestamp now) const { return !revoked && (!expires || now < *expires); }
};

struct TokenWish {
  Permit permit;
  std::optional<Timestamp> expires;
};

/// Any thread. Every change is durable, and in the audit log, when it is answered.
class TokenBook {
 public:
  /// `store` outlives it. corruption: what is kept of the tokens is damaged.
  static Result<std::unique_ptr<TokenBook>> open(Store& store);

  struct Made {
    Token token;
    std::string secret;  ///< "takt_ID_..."; known to nobody from here on but who is told
  };
  /// invalid_argument: no name, a scope that is not described, an expiry that has passed.
  Result<Made> create(const TokenWish& wish, const Author& author);
  /// not_found: there is no such token. One that is revoked already stays so.
  Result<Token> revoke(std::string_view id, const Author& author);
  std::vector<Token> list() const;
  /// Whether one was ever made: from then on who shows none gets nowhere.
  bool is_in_use() const;

  /// Whose secret this is; nothing: nobody's, or one that holds no more. Takes the same time for any of a length.
  std::optional<Token> whose(std::string_view secret) const;
  /// The token of that id as long as it holds.
  std::optional<Token> holding(std::string_view id) const;
  /// The hash under which a secret is kept, with the key of this book.
  std::string hash_of(std::string_view secret) const;

 private:
  TokenBook(Store& store, std::string key) : store_(store), key_(std::move(key)) {}
  Result<void> keep(std::vector<Token> tokens, const Author& author, std::string action, const Token& about);

  Store& store_;           // borrowed
  const std::string key_;  // 32 bytes
  mutable std::shared_mutex mutex_;
  std::vector<Token> tokens_;
};

/// 256 random bits in 43 letters, digits, - and _.
std::string random_secret();
/// What people see of a token.
boost::json::object describe(const Token& token);

}  // namespace takt
