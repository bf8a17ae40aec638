#include "server/http/request_parser.h"

#include <algorithm>

#include <fmt/format.h>
#include <boost/beast/http/error.hpp>

namespace takt {
namespace {

namespace http = boost::beast::http;

std::string_view std_view(boost::beast::string_view text) { return {text.data(), text.size()}; }

// "http://host/path" names the same resource as "/path": RFC 9112 section 3.2.2.
std::string_view without_authority(std::string_view target) {
  const auto scheme = target.find("://");
  if (target.starts_with('/') || scheme == std::string_view::npos) return target;
  const auto path = target.find('/', scheme + 3);
  return path == std::string_view::npos ? "/" : target.substr(path);
}

}  // namespace

RequestParser::RequestParser(const HttpOptions& options, BodyRoom& room, const std::string& remote)
    : options_(options), share_(room) {
  eager(true);
  header_limit(static_cast<std::uint32_t>(options.max_header_bytes));
  body_limit(options.max_body_bytes);
  request_.remote = remote;
}

std::size_t RequestParser::feed(std::string_view bytes) {
  error_code ec;
  const std::size_t taken = put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
  const bool stuck = ec == http::error::need_more && bytes.size() - taken > options_.max_header_bytes;
  if (stuck) ec = http::error::header_limit;  // an endless chunk extension or trailer, which Beast does not bound
  if (ec && ec != http::error::need_more && !refusal_) refusal_ = explain(ec);
  return taken;
}

void RequestParser::on_request_impl(http::verb, view method, view target, int version, error_code& ec) {
  if (target.size() > options_.max_url_bytes) return refuse(url_too_long(), ec);
  is_http_1_0_ = version < 11;
  request_.method = std_view(method);
  // Whoever sends one meant %23, or his parameters behind it would be ignored: RFC 9112 section 3.2 has none.
  if (target.find('#') != view::npos) return refuse(problem(400, "A # in the URL is written %23."), ec);
  const std::string_view url = without_authority(std_view(target));
  const auto question = url.find('?');
  auto path = percent_decoded(url.substr(0, question));
  auto query = QueryParameters::parse(question == std::string_view::npos ? "" : url.substr(question + 1));
  if (!path || !query)
    return refuse(
        problem(400, "A percent sign in the URL is not followed by two hexadecimal digits; write %25 for itself."),
        ec);
  request_.path = std::move(*path);
  request_.query = std::move(*query);
}

void RequestParser::on_field_impl(field name, view name_text, view value, error_code& ec) {
  if (header_complete_) return;  // a trailer: nothing of ours needs one
  // RFC 9112 sections 3.2 and 6.1: a proxy before us may have read such a request otherwise than we would.
  if (name == field::host && request_.headers.has("Host"))
    return refuse(problem(400, "A request has one Host header; this one has several."), ec);
  if (name == field::transfer_encoding && is_http_1_0_)
    return refuse(problem(400, "HTTP/1.0 knows no Transfer-Encoding; send a Content-Length, or use HTTP/1.1."),
                  ec);
  request_.headers.add(std_view(name_text), std_view(value));
  if (name == field::transfer_encoding && !equal_ignoring_case(std_view(value), "chunked"))
    return refuse(
        problem(501, "The only Transfer-Encoding is chunked; compress with Content-Encoding: gzip or zstd."), ec);
  if (name == field::expect && equal_ignoring_case(std_view(value), "100-continue"))
    expects_continue_ = !is_http_1_0_;
}

void RequestParser::on_header_impl(error_code& ec) {
  header_complete_ = true;
  if (!is_http_1_0_ && !request_.headers.has("Host"))
    return refuse(problem(400, "A request of HTTP/1.1 needs a Host header."), ec);
  const ContentCoding coding = content_coding(request_.header("Content-Encoding"));
  if (coding == ContentCoding::unknown) {
    HttpResponse refusal =
        problem(415, fmt::format("The Content-Encoding {} is unknown here; send gzip, zstd or none.",
                                 request_.header("Content-Encoding")));
    refusal.headers.emplace_back("Accept-Encoding", "gzip, zstd");
    return refuse(std::move(refusal), ec);
  }
  if (coding != ContentCoding::identity) decoder_ = make_body_decoder(coding, options_.max_body_bytes);
}

void RequestParser::on_body_init_impl(const boost::optional<std::uint64_t>& content_length, error_code&) {
  // Reserved bytes cost nothing before they are written, so a false promise of 64 MiB holds no memory.
  if (content_length && !decoder_) request_.body.reserve(*content_length);
}

std::size_t RequestParser::on_body_impl(view bytes, error_code& ec) {
  BodyFault fault = BodyFault::none;
  if (decoder_) {
    fault = decoder_->write(std_view(bytes), request_.body);
  } else {
    request_.body.append(bytes.data(), bytes.size());
  }
  if (fault != BodyFault::none) {
    refuse_body(fault, ec);
  } else if (!share_.grow_to(request_.body.size())) {
    HttpResponse refusal =
        problem(429, "The server holds as many requests as it can; send this again in a second.");
    refusal.headers.emplace_back("Retry-After", "1");
    refuse(std::move(refusal), ec);
  }
  return bytes.size();
}

void RequestParser::on_finish_impl(error_code& ec) {
  if (!decoder_) return;
  const BodyFault fault = decoder_->finish();
  if (fault != BodyFault::none) refuse_body(fault, ec);
  decoder_.reset();  // a zstd window is not kept while the handler works
}

void RequestParser::refuse(HttpResponse refusal, error_code& ec) {
  refusal_ = std::move(refusal);
  ec = http::error::bad_field;  // only says to Beast: stop; the client gets the refusal
}

void RequestParser::refuse_body(BodyFault fault, error_code& ec) {
  if (fault == BodyFault::too_large) return refuse(body_too_large(), ec);
  refuse(
      problem(400, fmt::format("The body is not whole {}: it is damaged or was cut short. Nothing of it was used.",
                               request_.header("Content-Encoding"))),
      ec);
}

HttpResponse RequestParser::explain(const error_code& ec) const {
  if (ec == http::error::body_limit) return body_too_large();
  if (ec == http::error::header_limit && request_.method.empty())
    return url_too_long();  // still in the first line
  if (ec == http::error::header_limit)
    return problem(431, fmt::format("The header is longer than {} bytes.", options_.max_header_bytes));
  if (ec == http::error::bad_version)
    return problem(400, "The request line does not end in HTTP/1.1 or HTTP/1.0.");
  return problem(400, fmt::format("This is not a request of HTTP/1.1: {}.", ec.message()));
}

HttpResponse RequestParser::cut_short() const {
  return problem(400, "The connection was closed before the request was complete. Nothing of it was used.");
}

HttpResponse RequestParser::url_too_long() const {
  return problem(414, fmt::format("The URL is longer than {} bytes.", options_.max_url_bytes));
}

HttpResponse RequestParser::body_too_large() const {
  return problem(413, fmt::format("A body may have {} bytes, compressed and not; send this in several requests.",
                                  options_.max_body_bytes));
}

}  // namespace takt
