// What a client asked and what we answer, as plain values: no socket, no framing, no library type.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace takt {

/// The `?name=value&...` of a request, decoded, in the order of the request; repeated names are all kept.
/// `+` means a space, as in HTML forms, except where it begins the UTC offset that ends a time: people type
/// `from=2026-01-05T06:00:00+02:00` unescaped.
class QueryParameters {
 public:
  using Entry = std::pair<std::string, std::string>;

  QueryParameters() = default;
  /// nullopt if a percent sign is not followed by two hexadecimal digits.
  static std::optional<QueryParameters> parse(std::string_view raw);

  /// The first value of `name`. The view lives as long as this object.
  std::optional<std::string_view> get(std::string_view name) const;
  bool has(std::string_view name) const { return get(name).has_value(); }
  std::size_t count(std::string_view name) const;
  const std::vector<Entry>& entries() const { return entries_; }
  void add(std::string name, std::string value) { entries_.emplace_back(std::move(name), std::move(value)); }

 private:
  std::vector<Entry> entries_;
};

/// Percent-decoding without the rule about `+`; nullopt if an escape is broken.
std::optional<std::string> percent_decoded(std::string_view raw);

/// Header fields in the order they came; names compare without regard to case.
class HeaderFields {
 public:
  void add(std::string_view name, std::string_view value);
  /// The first value of `name`, empty if there is none. The view lives as long as this object is unchanged.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  std::size_t size() const { return fields_.size(); }

 private:
  struct Field {
    std::size_t begin, name_length, value_length;
  };
  const Field* find(std::string_view name) const;

  std::string bytes_;  // all names and values behind one another: a request costs two allocations, not twenty
  std::vector<Field> fields_;
};

/// True if `a` and `b` are equal in ASCII without regard to case.
bool equal_ignoring_case(std::string_view a, std::string_view b);

struct Permit;

/// One request, complete: its body has arrived whole and is decoded by its Content-Encoding.
struct HttpRequest {
  std::string method;  ///< As sent: methods are case-sensitive.
  std::string path;    ///< Percent-decoded, without the query.
  QueryParameters query;
  HeaderFields headers;
  std::string body;
  std::string remote;            ///< "192.0.2.7:51034"
  bool secured = false;          ///< came through TLS
  std::string certificate = {};  ///< the common name of the client's certificate, found good; empty: none
  std::shared_ptr<const Permit> permit = {};  ///< what the client may do; none: everything
  /// Stop is requested once an answer would reach nobody: the client has left, or the server cuts it off. Long
  /// work that may be left half done looks at it now and then. It says so only after the handler has returned.
  std::stop_token cancelled = {};

  std::string_view header(std::string_view name) const { return headers.get(name); }
};

/// True if the client accepts an answer with `Content-Encoding: gzip`.
bool accepts_gzip(const HttpRequest& request);

/// One answer. Content-Length, Date, Server, Connection and compression are added by the server; an answer with
/// its own `Content-Encoding` is sent as it is. The headers must not hold line breaks: one that does is left out.
struct HttpResponse {
  int status = 200;
  std::string content_type = {};
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string_view static_body =
      {};  ///< Sent if `body` is empty: bytes that live as long as the program, such as the page.

  std::string_view payload() const { return body.empty() ? static_body : std::string_view(body); }
  std::string_view header(std::string_view name) const;
};

/// `bytes` as JSON may hold them: what is not UTF-8 becomes U+FFFD, so that one bad event or path does not spoil
/// the answer.
std::string readable(std::string_view bytes);

HttpResponse json_response(std::string body, int status = 200);

/// An error by RFC 9457 (`application/problem+json`, type about:blank); `detail` says what to do about it. It may
/// quote what came, UTF-8 or not.
HttpResponse problem(int status, std::string_view title, std::string_view detail);
/// The same with the standard title of `status`.
HttpResponse problem(int status, std::string_view detail);

/// The reason phrase of RFC 9110 section 15, "Unknown" for a status we never send.
std::string_view reason_phrase(int status);

}  // namespace takt
