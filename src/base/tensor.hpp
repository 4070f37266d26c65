#pragma once

#include "calotype/tensor.hpp"
