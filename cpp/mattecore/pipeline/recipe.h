#pragma once

#include <string_view>

namespace mattecore::pipeline {

/// How pictures meet a network and what becomes of its map: the originals differ here, and their looks with it.
struct Recipe {
  enum class Input {
    pillow,  ///< Pillow's BILINEAR, antialiased, in 8 bits
    opencv,  ///< plain bilinear on 0..1, then cut to 8 bits
    torch,   ///< plain bilinear on 0..255, then cut to 8 bits
  };
  enum class Levels {
    binary,      ///< stretched to its own extremes; 255 from 1/255 on
    stretched,   ///< stretched to its own extremes
    brightened,  ///< as it is, times 1.01
    plain,       ///< as it is, cut to 8 bits before it is resized
    soft,        ///< as it is, rounded to 8 bits
  };
  enum class Guide {
    eight_bit,  ///< filters see the picture's 8 bits
    given,      ///< filters see its own values
  };
  enum class Composite {
    straight,       ///< the picture's colours
    premultiplied,  ///< colours times alpha
  };

  Input input;
  Levels levels;
  Guide guide;
  Composite composite;
};

/// The recipe of a name, mostly a node's:
///   rmbg_ultra      LayerStyle's RemBgUltra and RmBgUltra V2
///   birefnet_ultra  LayerStyle's BiRefNetUltra
///   image_rem_bg    Easy-Use's imageRemBg with RMBG-1.4
///   image_rem_bg_2  the same with RMBG-2.0
///   soft            no node's: what the network says and the picture has, for `mattecore cut`
/// Any other name is std::invalid_argument.
const Recipe& recipe(std::string_view name);

}  // namespace mattecore::pipeline
