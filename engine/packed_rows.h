// Rows of a record type as few bytes, column by column: what nobody has written to for a while takes a third of
// its memory or less.
//
// A type takes part by a function `columns_of(const T*)`, found beside it, that returns a std::tuple of all its
// members: numbers, enumerations, times, arrays of these, types that take part themselves, or Beside{} of two.
// The bytes never leave the process, so there is no version in them, and bytes that are wrong are a bug. Nothing
// here keeps state: any thread may call it.
#pragma once

#include "engine/codec/bytes.h"
#include "schema/result.h"

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

namespace takt {

/// As many rows are packed together at most.
inline constexpr std::size_t kPackedRows = 256;

/// A member that is mostly near to another one: its distance is what is packed. The other stands before it in the
/// tuple.
template <class T, class V>
struct Beside {
  V T::*member, T::*other;
};
template <class T, class V>
Beside(V T::*, V T::*) -> Beside<T, V>;

template <class T>
concept Packable = requires {
  columns_of(static_cast<const T*>(nullptr));
};

/// Appends a column of 1 to kPackedRows numbers: constant, a frame of reference, or one of the steps between them.
void append_packed_column(std::string& out, std::span<const std::int64_t> values);
void read_packed_column(codec::ByteReader& in, std::span<std::int64_t> values);

namespace packed {

template <class V>
std::int64_t to_number(const V& value) {
  if constexpr (std::is_same_v<V, double>) {
    return std::bit_cast<std::int64_t>(value);
  } else if constexpr (std::is_enum_v<V> || std::is_integral_v<V>) {
    return static_cast<std::int64_t>(value);
  } else {
    return value.time_since_epoch().count();
  }
}

template <class V>
void from_number(V& value, std::int64_t number) {
  if constexpr (std::is_same_v<V, double>) {
    value = std::bit_cast<double>(number);
  } else if constexpr (std::is_enum_v<V> || std::is_integral_v<V>) {
    value = static_cast<V>(number);
  } else {
    value = V{typename V::duration{number}};
  }
}

/// Calls `column(read, write)` for each column of what `get(row)` is: read(row) is its number, write(row, number)
/// puts it back.
template <class V, class Get, class Column>
void each_column(Get get, Column& column);

template <class T, class V, class Get, class Column>
void each_column_of(V T::*member, Get get, Column& column) {
  each_column<V>(
      [=](auto& row) -> auto& { return get(row).*member; }, column);
}

template <class T, class V, class Get, class Column>
void each_column_of(Beside<T, V> pair, Get get, Column& column) {
  column(
      [=](const auto& row) {
        return codec::wrapping_subtract(to_number(get(row).*pair.member), to_number(get(row).*pair.other));
      },
      [=](auto& row, std::int64_t number) {
        from_number(get(row).*pair.member, codec::wrapping_add(to_number(get(row).*pair.other), number));
      });
}

template <class V, class Get, class Column>
void each_column(Get get, Column& column) {
  if constexpr (Packable<V>) {
    std::apply([&](auto... members) { (each_column_of(members, get, column), ...); },
               columns_of(static_cast<const V*>(nullptr)));
  } else if constexpr (requires { std::tuple_size<V>::value; }) {
    for (std::size_t i = 0; i < std::tuple_size_v<V>; ++i)
      each_column<typename V::value_type>(
          [=](auto& row) -> auto& { return get(row)[i]; }, column);
  } else {
    column([=](const auto& row) { return to_number(get(row)); },
           [=](auto& row, std::int64_t number) { from_number(get(row), number); });
  }
}

template <class T, class Column>
void each_column_of_rows(Column column) {
  each_column<T>(
      [](auto& row) -> auto& { return row; }, column);
}

}  // namespace packed

/// Appends 1 to kPackedRows rows.
template <Packable T>
void append_packed_rows(std::string& out, std::span<const T> rows) {
  std::array<std::int64_t, kPackedRows> numbers;
  packed::each_column_of_rows<T>([&](auto read, auto) {
    for (std::size_t i = 0; i < rows.size(); ++i) numbers[i] = read(rows[i]);
    append_packed_column(out, {numbers.data(), rows.size()});
  });
}

/// Fills `rows`, as many as were packed, from all of the bytes.
template <Packable T>
void read_packed_rows(std::string_view bytes, std::span<T> rows) {
  std::array<std::int64_t, kPackedRows> numbers;
  codec::ByteReader in{bytes};
  packed::each_column_of_rows<T>([&](auto, auto write) {
    read_packed_column(in, {numbers.data(), rows.size()});
    for (std::size_t i = 0; i < rows.size(); ++i) write(rows[i], numbers[i]);
  });
  TAKT_INVARIANT(in.done());
}

}  // namespace takt
