#pragma once

// Two archives over one description: `describe(archive, object)` names the fields once, the Writer puts them into JSON,
// the Reader takes them out and refuses whatever differs: a missing or unknown field, another type, a number out of
// range. Long numeric vectors lie in the safetensors file; the JSON then holds their key.

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <vector>

#include "base/tensor.hpp"
#include "snapshot/damaged.hpp"

namespace calotype::snapshot {

using Json = nlohmann::json;
using Blobs = std::map<std::string, Tensor>;

/// Vectors of up to so many numbers are written into the JSON, where people can read them.
inline constexpr size_t kInlineNumbers = 16;

/// Names of DataType, in order.
inline constexpr std::array kDataTypes{
    "float32",        "float64",       "float16",       "bfloat16",        "int8",        "uint8",
    "int16",          "uint16",        "int32",         "uint32",          "int64",       "uint64",
    "boolean",        "string",        "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz",
    "float8_e8m0fnu", "float4_e2m1fn", "int4",          "uint4",           "int2",        "uint2"};

template <class T>
concept Number = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;

class Writer {
  public:
    static constexpr bool reading = false;
    Writer(Json& json, std::string path, Blobs& blobs) : json_(json), path_(std::move(path)), blobs_(blobs) {
        json_ = Json::object();
    }

    template <class T>
    void field(const char* key, T& value) {
        put(json_[key], value, path_ + "/" + key);
    }
    /// Left out where it is `absent`.
    template <class T>
    void field_unless(const char* key, T& value, T absent) {
        if (value != absent) field(key, value);
    }
    /// An enumeration by its names, in order of its values from 0.
    template <class E, size_t N>
    void choice(const char* key, E& value, const std::array<const char*, N>& names) {
        json_[key] = names[static_cast<size_t>(value)];
    }
    template <class E, size_t N>
    void choice_unless(const char* key, E& value, const std::array<const char*, N>& names, E absent) {
        if (value != absent) choice(key, value, names);
    }
    const std::string& path() const { return path_; }

  private:
    template <class T>
    void put(Json& json, T& value, const std::string& path) {
        if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::string> || std::is_integral_v<T>) {
            json = value;
        } else if constexpr (std::is_enum_v<T>) {
            json = static_cast<int64_t>(value);
        } else if constexpr (std::is_floating_point_v<T>) {
            if (std::isfinite(value))
                json = value;
            else
                json = std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
        } else if constexpr (std::is_empty_v<T>) {
            json = Json::object();
        } else {
            Writer nested(json, path, blobs_);
            describe(nested, value);
        }
    }
    template <class T>
    void put(Json& json, std::map<std::string, T>& values, const std::string& path) {
        json = Json::object();
        for (auto& [key, value] : values) put(json[key], value, path + "/" + key);
    }
    template <class T, size_t N>
    void put(Json& json, std::array<T, N>& values, const std::string& path) {
        json = Json::array();
        for (T& value : values) put(json.emplace_back(), value, path);
    }
    template <class T>
    void put(Json& json, std::vector<T>& values, const std::string& path) {
        if constexpr (Number<T>) {
            if (values.size() > kInlineNumbers) {
                const std::string key = path.substr(1);
                blobs_.emplace(key, Tensor::of<T>({static_cast<int64_t>(values.size())}, values));
                json = Json{{"tensor", key}};
                return;
            }
        }
        json = Json::array();
        for (size_t i = 0; i < values.size(); ++i) put(json.emplace_back(), values[i], fmt::format("{}/{}", path, i));
    }

    Json& json_;
    std::string path_;
    Blobs& blobs_;
};

class Reader {
  public:
    static constexpr bool reading = true;
    /// Takes what it uses out of `blobs`: what is left at the end belongs to nothing.
    Reader(const Json& json, std::string path, Blobs& blobs) : json_(json), path_(std::move(path)), blobs_(blobs) {
        require(json_.is_object(), path_, "an object is expected");
    }

    template <class T>
    void field(const char* key, T& value) {
        get(member(key), value, path_ + "/" + key);
    }
    template <class T>
    void field_unless(const char* key, T& value, T absent) {
        value = absent;
        if (json_.contains(key)) field(key, value);
    }
    template <class E, size_t N>
    void choice(const char* key, E& value, const std::array<const char*, N>& names) {
        std::string name;
        field(key, name);
        for (size_t i = 0; i < N; ++i) {
            if (name == names[i]) {
                value = static_cast<E>(i);
                return;
            }
        }
        damaged(path_ + "/" + key, fmt::format("`{}` is not one of its names", name));
    }
    template <class E, size_t N>
    void choice_unless(const char* key, E& value, const std::array<const char*, N>& names, E absent) {
        value = absent;
        if (json_.contains(key)) choice(key, value, names);
    }
    /// To be called when every field was read: an unknown field is refused.
    void finish() const {
        require(json_.size() == fields_, path_, fmt::format("it has {} fields, {} are known", json_.size(), fields_));
    }
    const std::string& path() const { return path_; }

  private:
    const Json& member(const char* key) {
        ++fields_;
        const auto found = json_.find(key);
        if (found == json_.end()) damaged(path_, fmt::format("field `{}` is missing", key));
        return *found;
    }
    template <class T>
    void get(const Json& json, T& value, const std::string& path) {
        if constexpr (std::is_same_v<T, bool>) {
            require(json.is_boolean(), path, "true or false is expected");
            value = json.get<bool>();
        } else if constexpr (std::is_same_v<T, std::string>) {
            require(json.is_string(), path, "a string is expected");
            value = json.get<std::string>();
        } else if constexpr (std::is_integral_v<T>) {
            value = integer<T>(json, path);
        } else if constexpr (std::is_enum_v<T>) {
            value = static_cast<T>(integer<std::underlying_type_t<T>>(json, path));
        } else if constexpr (std::is_floating_point_v<T>) {
            value = real<T>(json, path);
        } else if constexpr (std::is_empty_v<T>) {
            require(json.is_object() && json.empty(), path, "an empty object is expected");
        } else {
            Reader nested(json, path, blobs_);
            describe(nested, value);
            nested.finish();
        }
    }
    template <class T>
    void get(const Json& json, std::map<std::string, T>& values, const std::string& path) {
        require(json.is_object(), path, "an object is expected");
        for (const auto& [key, value] : json.items()) get(value, values[key], path + "/" + key);
    }
    template <class T, size_t N>
    void get(const Json& json, std::array<T, N>& values, const std::string& path) {
        require(json.is_array() && json.size() == N, path, fmt::format("an array of {} is expected", N));
        for (size_t i = 0; i < N; ++i) get(json[i], values[i], path);
    }
    template <class T>
    void get(const Json& json, std::vector<T>& values, const std::string& path) {
        if constexpr (Number<T>) {
            if (json.is_object()) return take(json, values, path);
        }
        require(json.is_array(), path, "an array is expected");
        values.resize(json.size());
        for (size_t i = 0; i < json.size(); ++i) get(json[i], values[i], fmt::format("{}/{}", path, i));
    }
    template <class T>
    void take(const Json& json, std::vector<T>& values, const std::string& path) {
        const std::string key = path.substr(1);
        require(json == Json{{"tensor", key}}, path, "an array or the key of its tensor is expected");
        const auto blob = blobs_.find(key);
        if (blob == blobs_.end()) damaged("`weights.safetensors`", fmt::format("tensor `{}` is missing", key));
        require(blob->second.type() == data_type_of<T>() && blob->second.dims().size() == 1, path,
                "its tensor has another type or rank");
        const auto content = std::as_const(blob->second).values<T>();
        values.assign(content.begin(), content.end());
        blobs_.erase(blob);
    }
    template <class T>
    static T integer(const Json& json, const std::string& path) {
        require(json.is_number_integer(), path, "a whole number is expected");
        if (json.is_number_unsigned()) {
            require(std::in_range<T>(json.get<uint64_t>()), path, "a number out of range");
            return static_cast<T>(json.get<uint64_t>());
        }
        require(std::in_range<T>(json.get<int64_t>()), path, "a number out of range");
        return static_cast<T>(json.get<int64_t>());
    }
    template <class T>
    static T real(const Json& json, const std::string& path) {
        if (json == "inf") return std::numeric_limits<T>::infinity();
        if (json == "-inf") return -std::numeric_limits<T>::infinity();
        require(json.is_number(), path, "a number is expected");
        const double value = json.get<double>();
        require(std::abs(value) <= std::numeric_limits<T>::max(), path, "a number out of range");
        return static_cast<T>(value);
    }

    const Json& json_;
    std::string path_;
    Blobs& blobs_;
    size_t fields_ = 0;
};

}  // namespace calotype::snapshot
