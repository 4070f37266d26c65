#pragma once

#include "calotype/data_type.hpp"
