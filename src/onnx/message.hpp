#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "onnx/protozero.hpp"

namespace calotype::onnx {

inline constexpr size_t kMostTextBytes = size_t{1} << 16;  // exporters write some hundred

/// The wire format is broken: what() says at which byte of the file, in which field of which message.
class Damage : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// One protobuf message, read field by field; it knows where in the file it stands. Whatever cannot be read throws
/// Damage. `kind` is the message's name in onnx.proto and outlives the message.
class Message {
  public:
    Message(std::span<const std::byte> file, const char* kind);

    /// To the next field; false at the end.
    bool next();
    uint32_t tag() const { return tag_; }
    void skip();
    Message message(const char* kind);
    /// Must be UTF-8: names of things end in JSON and in messages. At most kMostTextBytes: one name is made into many.
    std::string text();
    std::string_view bytes();
    /// Of this message, from the next field on.
    std::string_view rest() const { return {reader_.data().data(), reader_.length()}; }
    int64_t integer();
    float real();
    /// A repeated number, packed or not.
    template <class T>
    void append(std::vector<T>& to);

  private:
    Message(std::string_view content, const char* file, const char* kind);
    [[noreturn]] void damaged(std::string_view what) const;
    /// Calls `read` on the reader; what it throws gets its place.
    template <class Read>
    auto placed(Read read);
    template <class T>
    void append_packed(std::vector<T>& to);
    template <class T>
    T single();

    protozero::pbf_reader reader_;
    const char* file_;   ///< its first byte
    const char* field_;  ///< the current field's
    const char* kind_;
    uint32_t tag_ = 0;  ///< the current field's number, 0 where it could not be read; protozero forgets it in debug
};

extern template void Message::append(std::vector<float>&);
extern template void Message::append(std::vector<double>&);
extern template void Message::append(std::vector<int32_t>&);
extern template void Message::append(std::vector<int64_t>&);
extern template void Message::append(std::vector<uint64_t>&);

}  // namespace calotype::onnx
