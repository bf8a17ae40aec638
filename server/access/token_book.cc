#include "server/access/token_book.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <mutex>

#include "engine/store.h"
#include "ingest/decode_draft.h"

namespace takt {
namespace {

constexpr std::size_t kSecretBytes = 32, kIdBytes = 4, kHashBytes = 32;
constexpr std::string_view kPrefix = "takt_";
constexpr std::size_t kMostTokens = 10'000;

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  TAKT_INVARIANT(::RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) == 1);
  return bytes;
}

std::string hexadecimal(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<std::uint8_t>(c);
    text.push_back("0123456789abcdef"[byte >> 4U]);
    text.push_back("0123456789abcdef"[byte & 15U]);
  }
  return text;
}

std::optional<std::string> bytes_of(std::string_view hex) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    const std::size_t high = kDigits.find(hex[i]), low = kDigits.find(hex[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    bytes.push_back(static_cast<char>(high << 4U | low));
  }
  return bytes;
}

/// Keyed BLAKE2b (RFC 7693) of 256 bits.
std::string blake2b(std::string_view key, std::string_view text) {
  const std::unique_ptr<EVP_MAC, void (*)(EVP_MAC*)> mac{::EVP_MAC_fetch(nullptr, "BLAKE2BMAC", nullptr),
                                                         ::EVP_MAC_free};
  const std::unique_ptr<EVP_MAC_CTX, void (*)(EVP_MAC_CTX*)> context{::EVP_MAC_CTX_new(mac.get()),
                                                                     ::EVP_MAC_CTX_free};
  std::size_t size = kHashBytes;
  const std::array<OSSL_PARAM, 2> parameters{::OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
                                             ::OSSL_PARAM_construct_end()};
  std::string hash(kHashBytes, '\0');
  const bool made =
      ::EVP_MAC_init(context.get(), reinterpret_cast<const unsigned char*>(key.data()), key.size(),
                     parameters.data()) == 1 &&
      ::EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1 &&
      ::EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(hash.data()), &size, hash.size()) == 1;
  TAKT_INVARIANT(made && size == kHashBytes);
  return hash;
}

std::string_view id_in(std::string_view secret) {
  if (!secret.starts_with(kPrefix)) return {};
  return secret.substr(kPrefix.size(), 2 * kIdBytes);
}

boost::json::value time_or_null(const std::optional<Timestamp>& at) {
  return at ? boost::json::value(format_time(*at)) : boost::json::value(nullptr);
}

Result<Token> read_token(const boost::json::value& value) {
  const Error damaged = corruption("what is kept of the tokens is damaged");
  const auto* object = value.if_object();
  if (object == nullptr) return damaged;
  const auto text = [&](const char* name) -> std::optional<std::string> {
    const auto* field = object->if_contains(name);
    if (field == nullptr || !field->is_string()) return std::nullopt;
    return std::string{field->get_string()};
  };
  const auto id = text("id"), name = text("name"), role = text("role"), created = text("created"),
             hash = text("hash");
  const auto* scopes = object->if_contains("scopes");
  if (!id || !name || !role || !created || !hash || scopes == nullptr || !scopes->is_array()) return damaged;
  Token token;
  token.id = *id, token.hash = *hash;
  token.permit.name = *name;
  const auto known_role = role_named(*role);
  const auto at = parse_time(*created);
  if (!known_role || !at) return damaged;
  token.permit.role = *known_role;
  token.created = *at;
  for (const boost::json::value& each : scopes->get_array()) {
    const auto scope =
        each.is_string() ? parse_scope(std::string_view{each.get_string()}) : Result<Scope>{damaged};
    if (!scope) return damaged;
    token.permit.scopes.push_back(*scope);
  }
  for (const auto& [field, slot] : {std::pair{"expires", &token.expires}, std::pair{"revoked", &token.revoked}}) {
    const auto given = text(field);
    if (!given) continue;
    const auto when = parse_time(*given);
    if (!when) return damaged;  // one without an end would be worse than none
    *slot = *when;
  }
  return token;
}

Result<void> check_wish(const TokenWish& wish, const Store& store) {
  if (!is_id(wish.permit.name)) return invalid("a token needs a name, of up to 128 bytes: who will use it?");
  if (wish.expires && *wish.expires <= store.clock().now()) return invalid("the token would have expired already");
  const auto plant = store.plant();
  for (const Scope& scope : wish.permit.scopes) {
    const bool known = scope.kind == Scope::Kind::plant ||
                       (scope.kind == Scope::Kind::area && plant->area(scope.id) != nullptr) ||
                       (scope.kind == Scope::Kind::line && plant->line(scope.id) != nullptr) ||
                       (scope.kind == Scope::Kind::machine && plant->machine(scope.id) != nullptr);
    if (!known) return invalid("there is no " + to_string(scope) + " in the plant's description");
  }
  return {};
}

}  // namespace

std::string random_secret() {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const std::string bytes = random_bytes(kSecretBytes);
  std::string text;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : bytes) {
    bits = bits << 8U | static_cast<std::uint8_t>(c), count += 8;
    for (; count >= 6; count -= 6) text.push_back(kLetters[bits >> (count - 6) & 63U]);
  }
  text.push_back(kLetters[bits << (6 - count) & 63U]);
  return text;
}

boost::json::object describe(const Token& token) {
  boost::json::array scopes;
  for (const Scope& scope : token.permit.scopes) scopes.emplace_back(to_string(scope));
  return {{"id", token.id},
          {"name", token.permit.name},
          {"role", name_of(token.permit.role)},
          {"scopes", std::move(scopes)},
          {"created", format_time(token.created)},
          {"expires", time_or_null(token.expires)},
          {"revoked", time_or_null(token.revoked)}};
}

Result<std::unique_ptr<TokenBook>> TokenBook::open(Store& store) {
  auto key = store.note("token_key");
  if (!key) {
    key = hexadecimal(random_bytes(kHashBytes));
    // What can be told is told, also where nothing can be written: without tokens the key is not needed.
    if (store.read_only_reason().empty()) {
      if (const auto kept = store.set_note("token_key", *key); !kept) return kept.error();
    }
  }
  const auto bytes = bytes_of(*key);
  if (!bytes || bytes->size() != kHashBytes) return corruption("the key of the tokens' hashes is damaged");
  std::unique_ptr<TokenBook> book{new TokenBook{store, *bytes}};
  const auto kept = store.note("tokens");
  if (!kept) return book;
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(*kept, error);
  if (error || !parsed.is_array()) return corruption("what is kept of the tokens is damaged");
  for (const boost::json::value& each : parsed.get_array()) {
    auto token = read_token(each);
    if (!token) return token.error();
    book->tokens_.push_back(std::move(*token));
  }
  return book;
}

Result<TokenBook::Made> TokenBook::create(const TokenWish& wish, const Author& author) {
  if (const auto checked = check_wish(wish, store_); !checked) return checked.error();
  const std::lock_guard lock{mutex_};
  if (tokens_.size() >= kMostTokens) return invalid("there are 10,000 tokens already");
  Made made;
  do {
    made.token.id = hexadecimal(random_bytes(kIdBytes));
  } while (std::ranges::find(tokens_, made.token.id, &Token::id) != tokens_.end());
  made.secret = std::string{kPrefix} + made.token.id + "_" + random_secret();
  made.token.permit = wish.permit;
  made.token.created = store_.clock().now();
  made.token.expires = wish.expires;
  made.token.hash = hash_of(made.secret);
  std::vector<Token> tokens = tokens_;
  tokens.push_back(made.token);
  if (const auto kept = keep(std::move(tokens), author, "token.create", made.token); !kept) return kept.error();
  return made;
}

Result<Token> TokenBook::revoke(std::string_view id, const Author& author) {
  const std::lock_guard lock{mutex_};
  std::vector<Token> tokens = tokens_;
  const auto token = std::ranges::find(tokens, id, &Token::id);
  if (token == tokens.end()) return not_found("there is no token " + std::string{id});
  if (token->revoked) return *token;
  token->revoked = store_.clock().now();
  const Token revoked = *token;
  if (const auto kept = keep(std::move(tokens), author, "token.revoke", revoked); !kept) return kept.error();
  return revoked;
}

/// With the lock held.
Result<void> TokenBook::keep(std::vector<Token> tokens, const Author& author, std::string action,
                             const Token& about) {
  boost::json::array all;
  for (const Token& token : tokens) {
    boost::json::object object = describe(token);
    object["hash"] = token.hash;
    all.push_back(std::move(object));
  }
  const auto kept =
      store_.set_note("tokens", boost::json::serialize(all), author, std::move(action), describe(about));
  if (kept) tokens_ = std::move(tokens);
  return kept;
}

std::vector<Token> TokenBook::list() const {
  const std::shared_lock lock{mutex_};
  return tokens_;
}

bool TokenBook::is_in_use() const {
  const std::shared_lock lock{mutex_};
  return !tokens_.empty();
}

std::optional<Token> TokenBook::whose(std::string_view secret) const {
  const std::string hash = hash_of(secret);
  auto token = holding(id_in(secret));
  const std::string expected = token ? token->hash : std::string(hash.size(), '0');
  const bool right =
      expected.size() == hash.size() && ::CRYPTO_memcmp(expected.data(), hash.data(), hash.size()) == 0;
  return right ? token : std::nullopt;
}

std::optional<Token> TokenBook::holding(std::string_view id) const {
  const std::shared_lock lock{mutex_};
  const auto token = std::ranges::find(tokens_, id, &Token::id);
  if (token == tokens_.end() || !token->is_valid(store_.clock().now())) return std::nullopt;
  return *token;
}

std::string TokenBook::hash_of(std::string_view secret) const { return hexadecimal(blake2b(key_, secret)); }

}  // namespace takt
