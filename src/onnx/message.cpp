#include "onnx/message.hpp"

#include <fmt/format.h>

#include "base/utf8.hpp"

namespace calotype::onnx {

Message::Message(std::span<const std::byte> file, const char* kind)
    : Message({reinterpret_cast<const char*>(file.data()), file.size()}, reinterpret_cast<const char*>(file.data()),
              kind) {}

Message::Message(std::string_view content, const char* file, const char* kind)
    : reader_(content.data(), content.size()), file_(file), field_(content.data()), kind_(kind) {}

void Message::damaged(std::string_view what) const {
    const std::string field = tag_ != 0 ? fmt::format("field {}", tag_) : "a field";
    throw Damage(fmt::format("at byte {}, {} of {}: {}", field_ - file_, field, kind_, what));
}

template <class Read>
auto Message::placed(Read read) {
    try {
        return read(reader_);
    } catch (const protozero::end_of_buffer_exception&) {
        damaged("it ends before its content does");
    } catch (const protozero::varint_too_long_exception&) {
        damaged("a number is longer than 10 bytes");
    } catch (const protozero::unknown_pbf_wire_type_exception&) {
        damaged("it has an unknown wire type");
    } catch (const protozero::invalid_tag_exception&) {
        damaged("its number is 0 or above 2^29");
    } catch (const protozero::invalid_length_exception&) {
        damaged("its length is no whole number of elements");
    } catch (const std::domain_error& error) {  // protozero_assert
        damaged(error.what());
    }
}

bool Message::next() {
    field_ = reader_.data().data();
    tag_ = 0;
    const bool found = placed([](auto& reader) { return reader.next(); });
    if (found) tag_ = static_cast<uint32_t>(reader_.tag());
    return found;
}

void Message::skip() {
    placed([](auto& reader) { reader.skip(); });
}

Message Message::message(const char* kind) { return {bytes(), file_, kind}; }

std::string Message::text() {
    const std::string_view view = bytes();
    if (view.size() > kMostTextBytes)
        damaged(fmt::format("a text of {} bytes, at most {} are read", view.size(), kMostTextBytes));
    if (const size_t good = utf8_prefix(view); good < view.size()) {
        damaged(fmt::format("its byte {} is no UTF-8 text", good));
    }
    return std::string(view);
}

std::string_view Message::bytes() {
    return placed([](auto& reader) {
        const auto view = reader.get_view();
        return std::string_view(view.data(), view.size());
    });
}

int64_t Message::integer() {
    return placed([](auto& reader) { return reader.get_int64(); });
}

float Message::real() {
    return placed([](auto& reader) { return reader.get_float(); });
}

template <class T>
T Message::single() {
    return placed([](auto& reader) -> T {
        if constexpr (std::is_same_v<T, float>)
            return reader.get_float();
        else if constexpr (std::is_same_v<T, double>)
            return reader.get_double();
        else if constexpr (std::is_same_v<T, uint64_t>)
            return reader.get_uint64();
        else
            return static_cast<T>(reader.get_int64());
    });
}

template <class T>
void Message::append_packed(std::vector<T>& to) {
    placed([&](auto& reader) {
        const auto range = [&] {
            if constexpr (std::is_same_v<T, float>)
                return reader.get_packed_float();
            else if constexpr (std::is_same_v<T, double>)
                return reader.get_packed_double();
            else if constexpr (std::is_same_v<T, uint64_t>)
                return reader.get_packed_uint64();
            else
                return reader.get_packed_int64();
        }();
        for (const auto value : range) to.push_back(static_cast<T>(value));
    });
}

template <class T>
void Message::append(std::vector<T>& to) {
    if (reader_.wire_type() == protozero::pbf_wire_type::length_delimited)
        append_packed(to);
    else
        to.push_back(single<T>());
}

template void Message::append(std::vector<float>&);
template void Message::append(std::vector<double>&);
template void Message::append(std::vector<int32_t>&);
template void Message::append(std::vector<int64_t>&);
template void Message::append(std::vector<uint64_t>&);

}  // namespace calotype::onnx
