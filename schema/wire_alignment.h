// What FlatBuffers' verifier leaves out.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstdint>
#include <type_traits>

namespace takt {

/// Whether the elements of a vector, as wide numbers or structs, stand at addresses that are theirs to be read
/// from. The verifier checks where a vector's length stands, which has four bytes; forged elements of eight may
/// stand between. One left out is aligned.
template <class T>
bool is_aligned(const flatbuffers::Vector<T>* vector) {
  using Element = std::remove_pointer_t<T>;
  return vector == nullptr || reinterpret_cast<std::uintptr_t>(vector->Data()) % alignof(Element) == 0;
}

}  // namespace takt
