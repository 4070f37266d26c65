#pragma once

#include "calotype/error.hpp"
