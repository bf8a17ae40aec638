// JSON as it is written: straight into a string, numbers at full precision and no longer than needed.
#pragma once

#include "engine/account.h"
#include "schema/event_json.h"
#include "schema/time.h"

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace takt {

/// Appends values to a text; objects and arrays are the caller's braces. Commas take care of themselves.
class JsonText {
 public:
  JsonText& begin_object() { return open('{'); }
  JsonText& end_object() { return close('}'); }
  JsonText& begin_array() { return open('['); }
  JsonText& end_array() { return close(']'); }
  JsonText& key(std::string_view name) {
    separate();
    append_json_string(out_, name);
    out_ += ':';
    fresh_ = true;
    return *this;
  }
  JsonText& value(std::string_view text) { return separate(), append_json_string(out_, text), *this; }
  JsonText& value(const char* text) { return value(std::string_view{text}); }
  JsonText& value(const std::string& text) { return value(std::string_view{text}); }
  JsonText& value(bool flag) { return raw(flag ? "true" : "false"); }
  JsonText& value(std::int64_t number) { return raw(std::to_string(number)); }
  JsonText& value(std::uint64_t number) { return raw(std::to_string(number)); }
  JsonText& value(int number) { return value(std::int64_t{number}); }
  JsonText& value(double number) {
    separate();
    if (std::isfinite(number))
      append_json_number(out_, number);
    else
      out_ += "null";
    return *this;
  }
  JsonText& value(Timestamp t) {
    separate();
    out_ += '"';
    append_time(out_, t);
    out_ += '"';
    return *this;
  }
  JsonText& value(Duration d) { return seconds(d.count()); }
  /// Microseconds as a decimal number of seconds, exactly.
  JsonText& seconds(WideInt micros) {
    separate();
    if (micros < 0) out_ += '-', micros = -micros;
    char digits[48];
    int count = 0;
    for (WideInt whole = micros / 1'000'000; whole > 0 || count == 0; whole /= 10)
      digits[count++] = static_cast<char>('0' + static_cast<int>(whole % 10));
    while (count > 0) out_ += digits[--count];
    if (int fraction = static_cast<int>(micros % 1'000'000); fraction != 0) {
      out_ += '.';
      for (int unit = 100'000; fraction > 0; unit /= 10)
        out_ += static_cast<char>('0' + fraction / unit), fraction %= unit;
    }
    return *this;
  }
  JsonText& null() { return raw("null"); }
  template <class T>
  JsonText& value(const std::optional<T>& maybe) {
    return maybe ? value(*maybe) : null();
  }
  template <class T>
  JsonText& member(std::string_view name, const T& v) {
    return key(name).value(v);
  }
  JsonText& seconds_member(std::string_view name, const std::optional<WideInt>& micros) {
    key(name);
    return micros ? seconds(*micros) : null();
  }
  /// JSON made elsewhere.
  JsonText& raw(std::string_view json) { return separate(), out_ += json, *this; }

  const std::string& text() const { return out_; }
  std::string take() { return std::move(out_); }
  void reserve(std::size_t bytes) { out_.reserve(bytes); }

 private:
  JsonText& open(char brace) {
    separate();
    out_ += brace;
    fresh_ = true;
    return *this;
  }
  JsonText& close(char brace) {
    out_ += brace;
    fresh_ = false;
    return *this;
  }
  void separate() {
    if (!fresh_) out_ += ',';
    fresh_ = false;
  }

  std::string out_;
  bool fresh_ = true;  // nothing to separate from yet
};

}  // namespace takt
