#include "mattecore/pipeline/recipe.h"

#include <array>
#include <utility>

#include "mattecore/base/error.h"

namespace mattecore::pipeline {
namespace {

using Input = Recipe::Input;
using Levels = Recipe::Levels;
using Guide = Recipe::Guide;
using Composite = Recipe::Composite;

constexpr std::array<std::pair<std::string_view, Recipe>, 5> kRecipes{{
    {"rmbg_ultra", {Input::pillow, Levels::binary, Guide::eight_bit, Composite::straight}},
    {"birefnet_ultra", {Input::opencv, Levels::brightened, Guide::given, Composite::straight}},
    {"image_rem_bg", {Input::torch, Levels::stretched, Guide::eight_bit, Composite::premultiplied}},
    {"image_rem_bg_2", {Input::pillow, Levels::plain, Guide::eight_bit, Composite::straight}},
    {"soft", {Input::pillow, Levels::soft, Guide::given, Composite::straight}},
}};

}  // namespace

const Recipe& recipe(std::string_view name) {
  for (const auto& [known, recipe] : kRecipes)
    if (known == name) return recipe;
  throw_invalid("the recipe is '", name, "'; wanted rmbg_ultra, birefnet_ultra, image_rem_bg, image_rem_bg_2 or soft");
}

}  // namespace mattecore::pipeline
