// Who changed what, for good: entries that each hold the hash of the one before, so that none can be changed,
// taken out or put in between without all later ones showing it.
#pragma once

#include "schema/result.h"
#include "schema/time.h"

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace takt {

/// Who asks for a change, in UTF-8.
struct Author {
  std::string actor = "command line";  ///< where it came from: an address, or this
  std::string by;                      ///< the person, as far as he says; may be empty
};

struct AuditEntry {
  std::uint64_t number = 0;  ///< from 1, without gaps
  Timestamp at;
  Author author;
  std::string action;  ///< "plant.change"; "damaged" of one that cannot be read
  boost::json::object details;
  std::string previous, hash;  ///< SHA-256, 64 hexadecimal digits; the first one's previous is all zeros
};

/// SHA-256 in hexadecimal.
std::string sha256(std::string_view bytes);
/// Where an entry stands in the family meta, and which is the last.
std::string audit_key(std::uint64_t number);
inline constexpr const char* kAuditHeadKey = "audit";

/// Sets the entry's hash, and gives its bytes (docs/format.md).
std::string encode_audit(AuditEntry& entry);
/// corruption: its hash is not that of its bytes, or they are not understood.
Result<AuditEntry> decode_audit(std::string_view value);

/// The last entry: what the next one follows.
struct AuditHead {
  std::uint64_t number = 0;
  std::string hash = std::string(64, '0');
  friend bool operator==(const AuditHead&, const AuditHead&) = default;
};
std::string encode_audit_head(const AuditHead& head);
Result<AuditHead> decode_audit_head(std::string_view value);

/// Follows a chain from its first entry on.
class AuditChain {
 public:
  /// What is wrong with the next entry, kept under `number`; nothing if it goes on from the one before.
  std::optional<std::string> follow(std::uint64_t number, std::string_view value);
  /// What is missing behind the last entry, which `head` says is the last; nothing if all are there.
  std::optional<std::string> end_at(const AuditHead& head) const;
  std::uint64_t entries() const { return entries_; }

 private:
  AuditHead last_;
  std::uint64_t entries_ = 0;
};

}  // namespace takt
