#include "ingest/xml_reader.h"

#include <expat.h>

#include <algorithm>
#include <string>

namespace takt {
namespace {

std::string_view without_prefix(std::string_view name) { return name.substr(name.rfind(':') + 1); }

}  // namespace

struct XmlReader::Parser {
  explicit Parser(XmlHandler& to) : handler(to), expat(XML_ParserCreate(nullptr)) {
    XML_SetUserData(expat, this);
    XML_SetElementHandler(expat, begin, end);
    XML_SetCharacterDataHandler(expat, text);
    XML_SetStartDoctypeDeclHandler(expat, doctype);
  }
  ~Parser() { XML_ParserFree(expat); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  static void begin(void* self, const char* name, const char** attributes) {
    auto& parser = *static_cast<Parser*>(self);
    if (++parser.depth > kDeepest) return parser.refuse("it is nested too deeply");
    parser.handler.begin(without_prefix(name), XmlAttributes{attributes});
  }
  static void end(void* self, const char* name) {
    auto& parser = *static_cast<Parser*>(self);
    --parser.depth;
    if (parser.refused == nullptr) parser.handler.end(without_prefix(name));
  }
  static void text(void* self, const char* text, int size) {
    auto& parser = *static_cast<Parser*>(self);
    if (parser.refused == nullptr) parser.handler.text({text, static_cast<std::size_t>(size)});
  }
  static void doctype(void* self, const char*, const char*, const char*, int) {
    static_cast<Parser*>(self)->refuse("it has a DOCTYPE");
  }
  void refuse(const char* why) {
    refused = why;
    XML_StopParser(expat, XML_FALSE);
  }

  Result<void> parse(std::string_view bytes, bool last) {
    constexpr std::size_t kPiece = std::size_t{16} << 20U;
    do {
      const std::string_view piece = bytes.substr(0, kPiece);
      bytes.remove_prefix(piece.size());
      const bool is_last = last && bytes.empty();
      if (XML_Parse(expat, piece.data(), static_cast<int>(piece.size()), is_last) == XML_STATUS_OK) continue;
      const std::string line = std::to_string(XML_GetCurrentLineNumber(expat));
      return invalid("the XML cannot be read at line " + line + ": " +
                     (refused != nullptr ? refused : XML_ErrorString(XML_GetErrorCode(expat))));
    } while (!bytes.empty());
    return {};
  }

  XmlHandler& handler;  // borrowed
  XML_Parser expat;
  int depth = 0;
  const char* refused = nullptr;
};

std::string_view XmlAttributes::operator[](std::string_view name) const {
  for (const char** each = list_; *each != nullptr; each += 2) {
    if (without_prefix(each[0]) == name) return each[1];
  }
  return {};
}

XmlReader::XmlReader(XmlHandler& handler) : parser_(std::make_unique<Parser>(handler)) {}
XmlReader::~XmlReader() = default;
XmlReader::XmlReader(XmlReader&&) noexcept = default;

Result<void> XmlReader::feed(std::string_view bytes) { return parser_->parse(bytes, false); }
Result<void> XmlReader::finish() { return parser_->parse({}, true); }

Result<void> read_xml(std::string_view document, XmlHandler& handler) {
  XmlReader reader{handler};
  if (const auto fed = reader.feed(document); !fed) return fed;
  return reader.finish();
}

}  // namespace takt
