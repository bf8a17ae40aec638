// XML in pieces, element by element. Internal to what reads documents of others.
#pragma once

#include "schema/result.h"

#include <memory>
#include <string_view>

namespace takt {

/// The attributes of one element, by their names without a namespace's prefix.
class XmlAttributes {
 public:
  explicit XmlAttributes(const char** names_and_values) : list_(names_and_values) {}
  /// Empty: there is none of that name.
  std::string_view operator[](std::string_view name) const;

 private:
  const char** list_;
};

/// Names come without a namespace's prefix. What is borrowed is valid during the call.
class XmlHandler {
 public:
  virtual ~XmlHandler() = default;
  virtual void begin(std::string_view name, const XmlAttributes& attributes) = 0;
  virtual void end(std::string_view name) = 0;
  /// May come in pieces.
  virtual void text(std::string_view text) = 0;
};

/// One document. Memory: that of the longest token. Documents with a DOCTYPE are refused (entities may grow
/// without bound), and those nested deeper than kDeepest.
class XmlReader {
 public:
  static constexpr int kDeepest = 100;

  explicit XmlReader(XmlHandler& handler);
  ~XmlReader();
  XmlReader(XmlReader&&) noexcept;

  /// invalid_argument: it is not XML; says where.
  Result<void> feed(std::string_view bytes);
  Result<void> finish();

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

/// A document that is there as a whole.
Result<void> read_xml(std::string_view document, XmlHandler& handler);

}  // namespace takt
