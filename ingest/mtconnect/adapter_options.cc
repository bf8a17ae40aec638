#include "ingest/mtconnect/adapter_options.h"

#include <boost/json/object.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace takt::mtconnect {
namespace {

constexpr std::string_view kScheme = "shdr://";
constexpr std::string_view kDefaultPort = "7878";

Result<void> read_url(std::string_view url, AdapterOptions& options) {
  const Error wrong = invalid("the url '" + std::string{url} + "' is no adapter; write it as shdr://host:7878");
  if (!url.starts_with(kScheme)) return wrong;
  std::string_view rest = url.substr(kScheme.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const std::size_t bracket = rest.find(']');
  const std::size_t colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  options.port = colon == std::string_view::npos ? kDefaultPort : rest.substr(colon + 1);
  std::string_view host = rest.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  options.host = host;
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(options.port.data(), options.port.data() + options.port.size(), port);
  const bool is_port = error == std::errc{} && end == options.port.data() + options.port.size() && port != 0;
  if (host.empty() || host.find('/') != std::string_view::npos || !is_port) return wrong;
  return {};
}

/// Whether the options say what becomes of keys, and not only how to read them.
bool is_mapping(const boost::json::object& options) {
  constexpr std::array<const char*, 8> kMeanings = {"execution", "availability", "good_total", "scrap_total",
                                                    "product",   "attributes",   "readings",   "states"};
  return std::any_of(kMeanings.begin(), kMeanings.end(),
                     [&](const char* key) { return options.if_contains(key) != nullptr; });
}

}  // namespace

Result<AdapterOptions> read_adapter_options(const DataSource& source) {
  AdapterOptions read;
  if (const auto url = read_url(source.url, read); !url) return url.error();
  boost::json::object options = source.options;
  if (const auto* clock = options.if_contains("clock")) {
    const bool ours = clock->is_string() && clock->get_string() == "server";
    if (!ours && !(clock->is_string() && clock->get_string() == "adapter"))
      return invalid("options.clock is \"adapter\" or \"server\"");
    read.stamps = ours ? StampedBy::server : StampedBy::adapter;
    options.erase("clock");
  }
  const bool mapped = is_mapping(options);
  if (mapped && source.machine.empty())
    return invalid("options that map keys need the source's machine; write machine = \"...\" beside its url");
  auto mapping = mapping_of(options, source.machine.empty() ? "-" : source.machine, "options");
  if (!mapping) return mapping.error();
  read.keys = mapping->keys;
  if (mapped) read.mapping = std::move(*mapping);
  return read;
}

}  // namespace takt::mtconnect
