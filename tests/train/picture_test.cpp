// Pictures: what is in the SVG, PNG and DOT text, and that bad input is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <set>
#include <string>

#include <adjoint/adjoint.h>

#include "count.h"

namespace adjoint {
namespace {

using picture::Chart;
using picture::Range;
using picture::Scale;
using picture::Values;

bool holds(const std::string& text, const std::string& part) { return count(text, part) > 0; }

TEST(Picture, TicksAreRoundAndInside) {
    EXPECT_EQ(Scale(0, 10).ticks(), (Values{0, 2, 4, 6, 8, 10}));
    const Values small = Scale(-0.13, 0.31).ticks();
    ASSERT_GE(small.size(), 4U);
    for (const double tick : small) {
        EXPECT_TRUE(tick >= -0.13 && tick <= 0.31) << tick;
        EXPECT_NEAR(tick * 20, std::round(tick * 20), 1e-9);
    }
    EXPECT_EQ(Scale(1e-4, 1, true).ticks().size(), 5U);
    EXPECT_EQ(Scale(0.09, 1.3, true).ticks(), (Values{0.1, 0.2, 0.5, 1})) << "little more than a decade";
    EXPECT_NEAR(Scale(1, 100, true).position(10), 0.5, 1e-12);
    EXPECT_NEAR(Scale(1, 100, true).value(0.5), 10, 1e-12);
    EXPECT_GE(Scale(5, 5).ticks().size(), 3U) << "one value is widened to a range";
    EXPECT_THROW(Scale(0, 1, true), ValueError);
    EXPECT_THROW(Scale(NAN, 1), ValueError);
}

TEST(Picture, NumbersAreWrittenAsPeopleDo) {
    EXPECT_EQ(picture::label(0), "0");
    EXPECT_EQ(picture::label(0.25), "0.25");
    EXPECT_EQ(picture::label(20000), "20000");
    EXPECT_EQ(picture::label(2e-6), "2e-6");
    EXPECT_EQ(picture::label(-3e7), "-3e7");
    EXPECT_EQ(picture::coordinate(-0.001), "0");
    EXPECT_EQ(picture::coordinate(1.5), "1.5");
}

TEST(Picture, TicksThatLieCloseAreToldApart) {
    EXPECT_EQ(picture::tick_labels(Scale(1000.1, 1000.3).ticks()),
              (std::vector<std::string>{"1000.10", "1000.15", "1000.20", "1000.25", "1000.30"}));
    EXPECT_EQ(picture::tick_labels({123456, 123457}), (std::vector<std::string>{"123456", "123457"}));
    EXPECT_EQ(picture::tick_labels({0, 0.5, 1}), (std::vector<std::string>{"0", "0.5", "1"}));
    EXPECT_EQ(picture::tick_labels({1e-6, 1e-3, 1}), (std::vector<std::string>{"1e-6", "0.001", "1"}));
    EXPECT_TRUE(picture::tick_labels({}).empty());
    EXPECT_EQ(picture::tick_labels({0.1234567}), (std::vector<std::string>{"0.1235"}));
}

TEST(Picture, HangulIsAsWideAsItIsHigh) {
    EXPECT_NEAR(picture::text_width("정확도", 10), 30, 1e-9);
    EXPECT_NEAR(picture::text_width("loss", 10), 24.8, 1e-9);
    EXPECT_NEAR(picture::text_width("λ é", 10), 18.6, 1e-9);
    const std::string svg = Chart({.width = 400}).curve("아주 긴 한국어 범례 이름", {1, 2}).draw().str();
    EXPECT_TRUE(holds(svg, "x=\"236.24\"")) << "ten characters and four spaces behind it have room\n" << svg;
}

TEST(Picture, TitlesStayInsideOfThePicture) {
    const auto title = [](const std::string& text) {
        return Chart({.title = text, .width = 320}).curve("a long name", {1, 2}).draw().str();
    };
    EXPECT_TRUE(holds(title("short"), "font-size=\"15\"")) << "as ever";
    EXPECT_TRUE(holds(title("학습률에 따른 손실의 변화와 정확도"), "x=\"139.1\"")) << "moved to the edge";
    EXPECT_FALSE(holds(title("여러 초기 가중치에서 시작한 배타적 논리합의 손실"), "font-size=\"15\""))
        << "smaller";
}

TEST(Picture, ManySeriesDiffer) {
    std::set<std::string> colors;
    for (std::size_t i = 0; i < 24; ++i) colors.insert(picture::series_color(i));
    EXPECT_EQ(colors.size(), 24U);
    Chart chart;
    for (int i = 0; i < 9; ++i) chart.curve(std::to_string(i), {1, 2});
    EXPECT_EQ(count(chart.draw().str(), "stroke-dasharray"), 2)
        << "the ninth, in the plane and in the legend";
}

TEST(Picture, PaleCurvesAreGreyAndTakeNoColour) {
    Chart chart;
    for (int run = 0; run < 3; ++run) chart.curve("runs", {1, double(run)}, {.pale = true});
    const std::string svg = chart.curve("median", {1, 1}).draw().str();
    EXPECT_EQ(count(svg, "stroke=\"#a9b3bd\""), 4) << "three runs, and their name";
    EXPECT_EQ(count(svg, "stroke=\"" + picture::series_color(0) + "\""), 2);
}

TEST(Picture, ALegendBelowHasRowsThatFit) {
    Chart chart({.x = {.label = "epoch"}, .width = 280, .height = 300, .legend_below = true});
    for (const char* name : {"gradient descent", "momentum", "Adam"}) chart.curve(name, {1, 2});
    const std::string svg = chart.draw().str();
    const auto place_of = [&](const std::string& name) {
        const std::size_t at = svg.rfind("<text x=\"", svg.find(">" + name + "<"));
        double x = 0, y = 0;
        EXPECT_EQ(std::sscanf(svg.c_str() + at, "<text x=\"%lf\" y=\"%lf\"", &x, &y), 2) << name;
        EXPECT_LT(x + picture::text_width(name), 280) << name;
        return picture::Point{x, y};
    };
    const picture::Point epoch = place_of("epoch"), first = place_of("gradient descent"),
                         second = place_of("momentum"), third = place_of("Adam");
    EXPECT_LT(epoch.y, first.y);
    EXPECT_EQ(first.x, second.x) << "a row of its own";
    EXPECT_LT(first.y, second.y);
    EXPECT_EQ(second.y, third.y) << "one row for both";
    EXPECT_LT(second.x, third.x);
    EXPECT_LT(third.y, 300);
}

TEST(Picture, TicksOfANarrowChartDoNotTouch) {
    const auto ticks_at = [](double width) {
        return Chart({.x = {.range = Range{-0.2, 0.2}}, .width = width}).curve("", {1, 2}).draw().str();
    };
    EXPECT_TRUE(holds(ticks_at(640), ">-0.15<") && holds(ticks_at(640), ">-0.1<"));
    EXPECT_TRUE(!holds(ticks_at(280), ">-0.15<") && holds(ticks_at(280), ">-0.1<"));
}

TEST(Picture, WhatDivergesSaysSo) {
    const std::string svg = Chart().curve("wild", {1, 9, NAN, NAN}).curve("far", {1, INFINITY}).draw().str();
    EXPECT_TRUE(holds(svg, ">wild (NaN)<") && holds(svg, ">far (inf)<")) << svg;
    EXPECT_EQ(count(svg, ">NaN<"), 1);
    EXPECT_TRUE(holds(Chart().curve("lost", {NAN, NAN}).draw().str(), ">lost (NaN)<"));
}

TEST(Picture, CurvesBeginWhereTheySayAndDotsRun) {
    const std::string svg =
        Chart({.legend = "seeds"}).curve("7", {5, 4, 3}, {.first = 0, .seconds = 2}).draw().str();
    EXPECT_TRUE(holds(svg, ">seeds<") && holds(svg, ">0<")) << svg;
    EXPECT_EQ(count(svg, "<animate "), 2);
    EXPECT_TRUE(holds(svg, "dur=\"2s\""));
}

TEST(Picture, AnAnimationShowsItsLastPictureWhereNothingMoves) {
    std::vector<picture::Svg> frames;
    for (int i = 0; i < 4; ++i) frames.push_back(Chart().curve(std::to_string(i), {1, 2}).draw());
    const std::string svg = picture::animation(frames, 0.5).str();
    EXPECT_EQ(count(svg, "visibility=\"hidden\""), 3);
    EXPECT_EQ(count(svg, "<g class=\"frames4last\" visibility=\"visible\""), 1);
    EXPECT_EQ(count(svg, "<rect visibility=\"visible\""), 4) << "what clips is not hidden with its picture";
    EXPECT_GT(svg.find("frames4last\" visibility"), svg.rfind("visibility=\"hidden\""));
    EXPECT_TRUE(holds(svg, "prefers-reduced-motion"));
    EXPECT_THROW(picture::animation({}), ValueError);
}

TEST(Picture, ChartShowsItsSeriesAxesAndLegend) {
    const std::string svg = Chart({.title = "a < b & c", .x = {.label = "epoch"}, .y = {.label = "loss"}})
                                .curve("train", {1, 2, 3})
                                .curve("validation", {1, NAN, 2, 3})
                                .scatter("points", {1, 2}, {1, 3})
                                .draw()
                                .str();
    EXPECT_TRUE(holds(svg, "a &lt; b &amp; c")) << svg;
    for (const char* text : {">epoch<", ">loss<", ">train<", ">validation<", ">points<"})
        EXPECT_EQ(count(svg, text), 1) << text;
    EXPECT_FALSE(holds(svg, "nan"));
    EXPECT_EQ(count(svg, "M"), 3) << "the second curve is interrupted";
    EXPECT_THROW(Chart().line("x", {1, 2}, {1}), ShapeError);
    EXPECT_NO_THROW(Chart().draw());
}

TEST(Picture, BetweenEpochsNothingIsMarked) {
    const std::string whole = Chart().curve("", {0, 10, 20}).draw().str();
    EXPECT_NE(whole.find(">2<"), std::string::npos) << whole;
    EXPECT_EQ(whole.find(">1.5<"), std::string::npos) << whole;
    const std::string parts = Chart().line("", {1, 1.2, 3}, {0, 10, 20}).draw().str();
    EXPECT_NE(parts.find(">1.5<"), std::string::npos) << parts;
}

TEST(Picture, LongCurvesKeepTheirPeaks) {
    Values y(100000, 0.0);
    y[54321] = 7;
    const std::string svg = Chart({.y = {.range = Range{0, 7}}, .height = 438}).curve("", y).draw().str();
    EXPECT_LT(svg.size(), 60000U);
    EXPECT_TRUE(holds(svg, " 18 L")) << "the peak touches the upper edge";
}

TEST(Picture, HistogramCountsEveryValue) {
    const std::string svg =
        Chart({.x = {.range = Range{0, 2}}}).histogram("h", {0, 0.5, 1.5, 2, 3, NAN}, 2).draw().str();
    EXPECT_EQ(count(svg, "fill-opacity=\"0.55\" stroke="), 2);
    EXPECT_THROW(Chart().histogram("h", {1}, 0), ValueError);
    const std::string two = Chart().histogram("a", {1, 2}, 4).histogram("b", {2, 3}, 4).draw().str();
    EXPECT_EQ(count(two, "<path "), 2) << "outlines";
}

TEST(Picture, PlaneNeedsRangesAndOneAnswerPerPoint) {
    const auto first = [](const Tensor& p) { return Tensor(p(all, 0)); };
    EXPECT_THROW(Chart().regions(first), ValueError);
    const picture::ChartOptions options{.x = {.range = Range{-1, 1}}, .y = {.range = Range{-1, 1}}};
    EXPECT_TRUE(holds(Chart(options).regions(first).draw().str(), "data:image/png;base64,iVBORw0KGgo"));
    EXPECT_THROW(Chart(options).regions([](const Tensor& p) { return p; }), ShapeError);
    EXPECT_THROW(Chart(options).regions(first, 0), ValueError);
    EXPECT_LT(Chart(options).regions(first, 8).draw().str().size(), 4000U) << "64 squares";
    const std::string circle =
        Chart(options).contour([](double x, double y) { return x * x + y * y; }, {0.25, 9}).draw().str();
    EXPECT_EQ(count(circle, "M"), 1) << "the level 0.25 is one line, 9 is nowhere";
    EXPECT_GT(count(circle, " L"), 100) << "which crosses many cells";
}

TEST(Picture, PngIsReadableBack) {
    const Tensor image = tensor({{0, 255}, {7, 9}}).to(u8);
    const std::vector<std::byte> file = picture::png(image);
    const auto byte = [&](std::size_t i) { return std::to_integer<int>(file.at(i)); };
    EXPECT_EQ(byte(1), 'P');
    EXPECT_EQ(byte(19), 2);  // width
    EXPECT_EQ(byte(23), 2);  // height
    EXPECT_EQ(byte(25), 0);  // grey
    EXPECT_EQ(byte(28), 0);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(&file[file.size() - 8]), 4), "IEND");
    EXPECT_EQ(byte(file.size() - 1), 0x82) << "the checksum of IEND is always the same";
    EXPECT_THROW(picture::png(zeros({2, 2, 2})), ShapeError);
    const std::string text = "abcd";
    EXPECT_EQ(picture::base64(std::as_bytes(std::span(text))), "YWJjZA==");
}

TEST(Picture, SheetsAndHeatMaps) {
    const std::string sheet =
        picture::image_sheet(zeros({3, 4, 4}), {.captions = {"1", "2", "7?"}, .marked = {false, false, true}})
            .str();
    EXPECT_EQ(count(sheet, "<image"), 3);
    EXPECT_EQ(count(sheet, "#c00000"), 1);
    EXPECT_THROW(picture::image_sheet(zeros({3, 4, 4}), {.captions = {"1"}}), ValueError);
    EXPECT_THROW(picture::image_sheet(zeros({4, 4})), ShapeError);
    const std::string named =
        picture::image_sheet(zeros({3, 4, 4}), {.columns = 2, .row_names = {"first", "second"}}).str();
    EXPECT_TRUE(holds(named, ">first<") && holds(named, ">second<"));
    EXPECT_THROW(picture::image_sheet(zeros({3, 4, 4}), {.columns = 2, .row_names = {"1"}}), ValueError);
    const std::string table = picture::heat_map(tensor({{5, 0}, {1, 12}}), {.title = "t"}).str();
    for (const char* number : {">5<", ">12<"}) EXPECT_TRUE(holds(table, number)) << table;
}

Tensor variable(double x) { return full({}, x, {.dtype = f64, .requires_grad = true}); }

TEST(Picture, GraphShowsOperationsValuesAndGradients) {
    const Trace trace;
    const Tensor apple = variable(100), count_of = variable(2), tax = variable(1.1);
    const Tensor price = apple * count_of * tax;
    const picture::Graph graph = picture::graph(price, {{"apple", apple}, {"tax", tax}}, &trace);
    ASSERT_EQ(graph.boxes.size(), 5U);
    EXPECT_EQ(graph.arrows.size(), 4U);
    EXPECT_EQ(graph.boxes[0].title, "mul");
    EXPECT_EQ(graph.boxes[0].value, "200");
    EXPECT_EQ(graph.boxes[0].gradient, "1.1");
    EXPECT_EQ(graph.boxes[1].value, "220");
    EXPECT_EQ(graph.boxes[1].gradient, "1");
    std::string leaves;
    for (std::size_t i = 2; i < 5; ++i) leaves += graph.boxes[i].title + ":" + graph.boxes[i].gradient + " ";
    for (const char* leaf : {"apple:2.2 ", "tax:200 ", "variable:110 "})
        EXPECT_TRUE(holds(leaves, leaf)) << leaves;
    for (const auto& [from, to, operand] : graph.arrows)
        EXPECT_LT(graph.boxes[from].layer, graph.boxes[to].layer);
    EXPECT_FALSE(apple.grad().defined());
    EXPECT_EQ(count(graph.dot(), "->"), 4);
    EXPECT_EQ(count(graph.draw().str(), "grad "), 5);
    price.backward();  // the graph is as it was
    EXPECT_NEAR(apple.grad().item(), 2.2, 1e-12);
    EXPECT_EQ(picture::graph(price).boxes[0].gradient, "") << "freed by the backward pass";
}

TEST(Picture, GraphMarksOperandsWhoseOrderMatters) {
    const Tensor a = variable(8), b = variable(2), c = variable(3);
    const picture::Graph graph = picture::graph((a - b) / c + a * b, {{"a", a}, {"b", b}, {"c", c}});
    std::string operands, leaves;
    for (const auto& [from, to, operand] : graph.arrows)
        operands += graph.boxes[to].title + std::to_string(operand) + " ";
    for (const char* part : {"sub1 sub2 ", "div1 div2 ", "mul0 mul0 ", "add0 add0 "})
        EXPECT_TRUE(holds(operands, part)) << operands;
    for (const picture::GraphBox& box : graph.boxes)
        if (box.is_leaf) leaves += box.title;
    EXPECT_EQ(leaves, "abc") << "in the order in which they are written";
    EXPECT_EQ(count(graph.dot(), "headlabel"), 4);
}

TEST(Picture, GraphOfAComputationHasItsValues) {
    const Tensor a = variable(8), b = variable(2);
    const picture::Graph graph = picture::graph([&] { return exp(a - b) * b; }, {{"a", a}, {"b", b}});
    std::string values;
    for (const picture::GraphBox& box : graph.boxes) values += box.title + " " + box.value + ", ";
    EXPECT_EQ(values, "sub 6, exp 403.4, mul 806.9, a 8, b 2, ");
    EXPECT_EQ(Trace::current(), nullptr);
}

TEST(Picture, GraphWithoutTraceShowsShapes) {
    const Tensor x = zeros({2, 3}, {.requires_grad = true});
    const Tensor y = sum(exp(x));
    const picture::Graph graph = picture::graph(y);
    EXPECT_EQ(graph.boxes[0].value, "shape (2, 3)");
    EXPECT_THROW(picture::graph(x), AutogradError);
}

TEST(Picture, TraceIsForItsScopeOnly) {
    const Tensor x = variable(2);
    Tensor inside, outside;
    {
        const Trace trace;
        inside = x * x;
        EXPECT_EQ(trace.value(*inside.impl().producer).item(), 4);
        EXPECT_EQ(Trace::current(), &trace);
    }
    EXPECT_EQ(Trace::current(), nullptr);
    EXPECT_FALSE(anomaly_enabled());
    const Trace later;
    EXPECT_FALSE(later.value(*inside.impl().producer).defined());
}

TEST(Picture, ModelIsDrawnWithItsLayersAndShapes) {
    const std::string svg =
        picture::draw_model(nn::Sequential(nn::Linear(4, 3), nn::Sequential(nn::ReLU(), nn::Linear(3, 2))))
            .str();
    for (const char* text : {"in_features=4", "weight (3, 4)", "weight (2, 3)", "ReLU"})
        EXPECT_EQ(count(svg, text), 1) << text;
    EXPECT_EQ(count(svg, ">Sequential<"), 2);
}

// Two branches of one input that meet: registered in another order than they run in.
TEST(Picture, ModelHasArrowsOnlyWhereSomethingFlows) {
    struct Net : nn::Module {
        const nn::Linear meet = child("meet", nn::Linear(3, 2));
        const nn::Sequential right =
            child("right", nn::Sequential(nn::Linear(4, 3), nn::Dropout(0.5), nn::Tanh()));
        const nn::Linear left = child("left", nn::Linear(4, 3));
        Tensor operator()(const Tensor& x) const { return meet(left(x) + right(x)); }
    };
    const Net net;
    const auto arrows = [](const std::string& svg) { return count(svg, "<line "); };
    const std::string still = picture::draw_model(net).str();
    EXPECT_EQ(arrows(still), 2) << "inside the Sequential";
    const std::string svg = picture::draw_model(net, ones({5, 4})).str();
    EXPECT_EQ(arrows(svg), 3) << "and from the branch that runs last to where they meet\n" << svg;
    const std::size_t left = svg.find("gives (5, 3)"), meet = svg.find("gives (5, 2)");
    EXPECT_LT(left, meet);
    EXPECT_EQ(count(svg, "gives (5, 3)"), 5) << "the Sequential and its three layers, and the other branch";
    EXPECT_TRUE(net.is_training());
    EXPECT_EQ(arrows(picture::draw_model(nn::Sequential(net, nn::ReLU()), ones({5, 4})).str()), 4);
}

TEST(Picture, FilesThatCannotBeWritten) {
    EXPECT_THROW(Chart().save("/no/such/folder/x.svg"), IoError);
    EXPECT_THROW(picture::save_png("/no/such/folder/x.png", zeros({2, 2})), IoError);
}

}  // namespace
}  // namespace adjoint
