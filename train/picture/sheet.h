// Tables of colours, sheets of images, pictures side by side.
#pragma once

#include <string>
#include <vector>

#include <adjoint/core/tensor/tensor.h>
#include <adjoint/train/picture/svg.h>

namespace adjoint::picture {

/// A table of numbers as coloured squares with the number in each: a confusion matrix, a correlation.
struct HeatMapOptions {
    std::string title = {}, rows = {}, columns = {};  ///< what they are
    std::vector<std::string> row_names = {}, column_names = {};
};
/// shapes: (rows, columns).
/// errors: ShapeError.
ADJOINT_API Svg heat_map(const Tensor& table, const HeatMapOptions& options = {});

/// Images in rows, each with a line of text below. `marked` ones have their text in red: wrong predictions.
struct SheetOptions {
    std::string title = {};
    int columns = 8;
    double size = 72;  ///< of an image on the sheet
    std::vector<std::string> captions = {};
    std::vector<bool> marked = {};
    std::vector<std::string> row_names = {};  ///< left of each row
};
/// shapes: (N, H, W) or (N, H, W, 3).
/// errors: ShapeError; ValueError for another number of captions or names.
ADJOINT_API Svg image_sheet(const Tensor& images, const SheetOptions& options = {});

/// Pictures one after the other at one place, each for so many seconds, again and again; the last one where
/// nothing moves: in a viewer without animations, and for who has asked for less motion.
/// errors: ValueError for no picture.
ADJOINT_API Svg animation(const std::vector<Svg>& frames, double seconds = 0.25);

/// Pictures side by side, `columns` in a row.
ADJOINT_API Svg grid(const std::vector<Svg>& pictures, int columns);

}  // namespace adjoint::picture
