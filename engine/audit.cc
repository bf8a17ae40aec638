#include "engine/audit.h"

#include <openssl/evp.h>

#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "engine/disk.h"

namespace takt {
namespace {

constexpr std::size_t kHash = 32;

std::string sha256_bytes(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  TAKT_INVARIANT(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1);
  return {digest.begin(), digest.begin() + size};
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

Error damaged(const std::string& what) { return corruption("an entry of the audit log " + what); }

}  // namespace

std::string sha256(std::string_view bytes) { return hexadecimal(sha256_bytes(bytes)); }

std::string audit_key(std::uint64_t number) { return "a" + sequence_key(number); }

std::string encode_audit(AuditEntry& entry) {
  const boost::json::object object{{"number", entry.number},      {"time", format_time(entry.at)},
                                   {"actor", entry.author.actor}, {"by", entry.author.by},
                                   {"action", entry.action},      {"details", entry.details},
                                   {"previous", entry.previous}};
  const std::string text = boost::json::serialize(object);
  const std::string hash = sha256_bytes(text);
  entry.hash = hexadecimal(hash);
  return hash + text;
}

Result<AuditEntry> decode_audit(std::string_view value) {
  if (value.size() < kHash) return damaged("is cut off");
  const std::string_view hash = value.substr(0, kHash), text = value.substr(kHash);
  if (sha256_bytes(text) != hash) return damaged("was changed: its hash is another");
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse({text.data(), text.size()}, error);
  if (error || !parsed.is_object()) return damaged("is not understood");
  const boost::json::object& object = parsed.get_object();
  AuditEntry entry;
  const auto read = [&](const char* key, std::string& to) {
    const boost::json::value* field = object.if_contains(key);
    if (field != nullptr && field->is_string()) to = field->get_string();
    return field != nullptr && field->is_string();
  };
  std::string time;
  const bool texts = read("time", time) && read("actor", entry.author.actor) && read("by", entry.author.by) &&
                     read("action", entry.action) && read("previous", entry.previous);
  const boost::json::value *number = object.if_contains("number"), *details = object.if_contains("details");
  const auto at = parse_time(time);
  if (!texts || !at || number == nullptr || !number->is_int64() || details == nullptr || !details->is_object())
    return damaged("is not understood");
  entry.number = static_cast<std::uint64_t>(number->get_int64());
  entry.at = *at;
  entry.details = details->get_object();
  entry.hash = hexadecimal(hash);
  return entry;
}

std::string encode_audit_head(const AuditHead& head) { return sequence_key(head.number) + head.hash; }

Result<AuditHead> decode_audit_head(std::string_view value) {
  if (value.size() != 8 + 2 * kHash) return corruption("what is known of the audit log's last entry is damaged");
  return AuditHead{sequence_of_key(value), std::string{value.substr(8)}};
}

std::optional<std::string> AuditChain::follow(std::uint64_t number, std::string_view value) {
  ++entries_;
  const AuditHead before = std::exchange(last_, {number, {}});
  const auto entry = decode_audit(value);
  if (!entry) return entry.error().context;
  last_.hash = entry->hash;
  if (entry->number != number)
    return "it is entry " + std::to_string(entry->number) + ", kept under another number";
  if (number != before.number + 1)
    return "entries " + std::to_string(before.number + 1) + " to " + std::to_string(number - 1) + " are missing";
  // Of a damaged one nothing can follow; that was told of already.
  if (!before.hash.empty() && entry->previous != before.hash) return "it does not follow the entry before";
  return std::nullopt;
}

std::optional<std::string> AuditChain::end_at(const AuditHead& head) const {
  if (head.number > last_.number)
    return "entries " + std::to_string(last_.number + 1) + " to " + std::to_string(head.number) + " are missing";
  if (head.number < last_.number || (!last_.hash.empty() && head.hash != last_.hash))
    return "the last entry is not the one that was written last";
  return std::nullopt;
}

}  // namespace takt
