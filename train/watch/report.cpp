// The page, section by section.
#include <adjoint/train/watch/report.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>

#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/base/parallel.h>
#include <adjoint/core/base/version.h>
#include <adjoint/core/contract/precision.h>
#include <adjoint/core/cuda/cuda.h>
#include <adjoint/train/picture/png.h>

namespace adjoint::train {
namespace {

using picture::escape;

constexpr std::string_view style = R"(
:root { color-scheme: light; --ink: #1c2733; --pale: #5d6b7a; --line: #dfe5eb; --accent: #0b5c9e; }
* { box-sizing: border-box; }
body { margin: 0; background: #f3f5f8; color: var(--ink); font: 16px/1.5 Helvetica, Arial, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 20px 48px; }
h1 { margin: 0; font-size: 28px; line-height: 1.2; }
h2 { margin: 0 0 12px; font-size: 18px; }
.when { margin: 4px 0 20px; color: var(--pale); font-size: 14px; }
.results { display: flex; flex-wrap: wrap; gap: 12px; margin: 0 0 16px; }
.results div { flex: 1 1 150px; padding: 12px 16px; background: #fff; border: 1px solid var(--line);
  border-radius: 8px; border-top: 3px solid var(--accent); }
.results dt { color: var(--pale); font-size: 13px; }
.results dd { margin: 0; font-size: 26px; font-weight: bold; font-variant-numeric: tabular-nums; }
section { margin: 0 0 16px; padding: 18px 20px; background: #fff; border: 1px solid var(--line); border-radius: 8px; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); gap: 16px; }
.pair > section { margin: 0; }
.pair { margin: 0 0 16px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); gap: 12px; }
.charts svg { display: block; width: 100%; max-width: 560px; height: auto; margin: 0 auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.facts { width: 100%; font-size: 15px; }
.facts th { padding: 4px 16px 4px 0; text-align: left; font-weight: normal; color: var(--pale); vertical-align: top;
  white-space: nowrap; }
.facts td { padding: 4px 0; overflow-wrap: anywhere; }
.facts tr + tr { border-top: 1px solid var(--line); }
.wide { overflow-x: auto; }
pre { margin: 0; font: 13px/1.45 Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.epochs { font-size: 14px; }
.epochs th, .epochs td { padding: 3px 14px 3px 0; text-align: right; white-space: nowrap; }
.epochs th { color: var(--pale); font-weight: normal; border-bottom: 1px solid var(--line); }
details { margin-top: 10px; }
summary { color: var(--accent); cursor: pointer; font-size: 14px; }
.confusion { width: 100%; max-width: 640px; margin: 0 auto; table-layout: fixed;
  font-size: clamp(11px, 2.6vw, 14px); }
.confusion td, .confusion th { padding: 0.55em 0; text-align: center; overflow: hidden; text-overflow: ellipsis; }
.confusion td { border: 1px solid #fff; }
.confusion th { font-weight: bold; color: var(--pale); }
.note { margin: 0 0 10px; color: var(--pale); font-size: 14px; }
.images { display: grid; grid-template-columns: repeat(auto-fill, minmax(88px, 1fr)); gap: 12px; }
figure { margin: 0; text-align: center; }
figure img { display: block; width: 100%; image-rendering: pixelated; border-radius: 4px; }
figcaption { margin-top: 3px; color: #a32020; font-size: 13px; line-height: 1.3; overflow-wrap: anywhere; }
footer { color: var(--pale); font-size: 13px; }
@media (max-width: 560px) {
  main { padding: 18px 10px 32px; }
  section { padding: 14px 12px; }
  .results dd { font-size: 22px; }
}
@media print { body { background: #fff; } section { break-inside: avoid; } }
)";

std::string now() {
    const std::time_t time = std::time(nullptr);
    std::tm parts{};
    ::localtime_r(&time, &parts);
    std::array<char, 64> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S %Z", &parts);
    return text.data();
}

std::string section(const std::string& title, const std::string& content) {
    return fmt::format("<section>\n<h2>{}</h2>\n{}</section>\n", title, content);
}

std::string results(const Facts& facts) {
    std::string html = "<dl class=\"results\">\n";
    for (const auto& [name, value] : facts)
        html += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escape(name), escape(value));
    return html + "</dl>\n";
}

std::string table(const Facts& facts) {
    std::string html = "<table class=\"facts\">\n";
    for (const auto& [name, value] : facts)
        html += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escape(name), escape(value));
    return html + "</table>\n";
}

std::string number(double value, int digits) {
    return std::isnan(value) ? "" : fmt::format("{:.{}f}", value, digits);
}

std::string curves(const History& history) {
    std::string html = "<div class=\"charts\">\n";
    for (const picture::Svg& chart : charts(history, {.width = 420, .height = 280})) html += chart.str();
    html += "</div>\n";
    if (!history.end.empty())
        html += fmt::format("<p class=\"note\">Ended early: {}.</p>\n", escape(history.end));
    html += "<details><summary>All epochs</summary><div class=\"wide\"><table class=\"epochs\">\n<tr>";
    for (const char* name :
         {"epoch", "loss", "accuracy", "validation loss", "validation accuracy", "seconds"})
        html += fmt::format("<th scope=\"col\">{}</th>", name);
    for (const auto& [name, value] : history.last().metrics)
        html += fmt::format("<th scope=\"col\">{}</th>", escape(name));
    html += "</tr>\n";
    for (const EpochRecord& r : history.epochs) {
        html +=
            fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>", r.epoch,
                        number(r.train.loss, 4), number(r.train.accuracy, 4), number(r.validation.loss, 4),
                        number(r.validation.accuracy, 4), number(r.seconds, 2));
        for (const auto& [name, last] : history.last().metrics) {
            const auto found = r.metrics.find(name);
            html += fmt::format("<td>{}</td>", found == r.metrics.end() ? "" : number(found->second, 4));
        }
        html += "</tr>\n";
    }
    return html + "</table></div></details>\n";
}

// The dark or the light one, whichever is told better from the ground: by the luminance that WCAG defines.
const char* ink_on(const std::string& ground) {
    constexpr std::array weights{0.2126, 0.7152, 0.0722};
    const auto channels = picture::color_channels(ground);
    double luminance = 0;
    for (std::size_t i = 0; i < 3; ++i) {
        const double c = channels[i] / 255.0;
        luminance += weights[i] * (c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4));
    }
    return luminance > 0.22 ? "#1c2733" : "#ffffff";
}

std::string confusion(const Tensor& counts, const std::vector<std::string>& classes) {
    check<ShapeError>(counts.dim() == 2 && counts.shape()[0] == counts.shape()[1] && counts.numel() > 0,
                      "report: the confusion matrix has shape {}, expected (K, K)", counts.shape());
    const auto k = static_cast<std::size_t>(counts.shape()[0]);
    check<ValueError>(classes.empty() || classes.size() == k, "report: {} names for {} classes",
                      classes.size(), k);
    const std::vector<double> n = counts.to_vector<double>();
    double worst = 1;
    for (std::size_t i = 0; i < n.size(); ++i)
        if (i / k != i % k) worst = std::max(worst, n[i]);
    const auto name = [&](std::size_t i) { return classes.empty() ? std::to_string(i) : escape(classes[i]); };
    std::string html =
        "<p class=\"note\">Row: the class it is. Column: the class it was taken for. Last column: the share "
        "found.</p>\n<table class=\"confusion\">\n<tr><th></th>";
    for (std::size_t i = 0; i < k; ++i) html += fmt::format("<th scope=\"col\">{}</th>", name(i));
    html += "<th></th></tr>\n";
    for (std::size_t row = 0; row < k; ++row) {
        double total = 0;
        for (std::size_t column = 0; column < k; ++column) total += n[row * k + column];
        html += fmt::format("<tr><th scope=\"row\">{}</th>", name(row));
        for (std::size_t column = 0; column < k; ++column) {
            const double count = n[row * k + column];
            const bool right = row == column;
            const double depth = right ? count / std::max(total, 1.0) : 0.75 * count / worst;
            const std::string ground = picture::blend("#f6f8fa", right ? "#0b5c9e" : "#c8501e", depth);
            html += fmt::format("<td style=\"background:{};color:{}\">{}</td>", ground,
                                count == 0 ? "#6b7785" : ink_on(ground), picture::label(count));
        }
        html += fmt::format("<th>{}</th></tr>\n",
                            total > 0 ? fmt::format("{:.0f}%", 100 * n[row * k + row] / total) : "");
    }
    return html + "</table>\n";
}

std::string images(const Tensor& mistakes, const std::vector<std::string>& captions) {
    check<ShapeError>((mistakes.dim() == 3 || mistakes.dim() == 4) && mistakes.numel() > 0,
                      "report: mistakes of shape {}, expected (N, H, W) or (N, H, W, 3)", mistakes.shape());
    const auto count = static_cast<std::size_t>(mistakes.shape()[0]);
    check<ValueError>(captions.empty() || captions.size() == count, "report: {} captions for {} mistakes",
                      captions.size(), count);
    std::string html = "<div class=\"images\">\n";
    for (std::size_t i = 0; i < count; ++i) {
        const std::string caption = captions.empty() ? "" : escape(captions[i]);
        const auto png = picture::png(select(mistakes, 0, static_cast<std::int64_t>(i)));
        html += fmt::format(
            "<figure><img alt=\"{0}\" "
            "src=\"data:image/png;base64,{1}\"><figcaption>{0}</figcaption></figure>\n",
            caption, picture::base64(png));
    }
    return html + "</div>\n";
}

}  // namespace

Facts environment(Device device) {
    Facts facts{{"library", fmt::format("adjoint {}, compiled by {} {}", version,
#if defined(__clang__)
                                        "clang",
#else
                                        "g++",
#endif
                                        __VERSION__)},
                {"device", to_string(device)}};
    if (device.is_cpu()) {
        facts.emplace_back("threads", std::to_string(num_threads()));
        facts.emplace_back("CPU kernels", cpu_level());
        facts.emplace_back("matrix products", cpu_blas());
    } else if (device.is_cuda()) {
        facts.back().second += ", " + cuda::properties(device).name;
        facts.emplace_back("matrix products", fmt::format("precision {}", name(matmul_precision())));
    }
    return facts;
}

std::string to_html(const Report& report) {
    const std::string title = escape(report.title);
    std::string html = fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n<h1>{}</h1>\n<p "
        "class=\"when\">{}</p>\n",
        title, style, title, now());
    if (!report.results.empty()) html += results(report.results);
    if (!report.history.empty()) html += section("Learning curves", curves(report.history));
    html += "<div class=\"pair\">\n";
    if (!report.settings.empty()) html += section("Settings", table(report.settings));
    html += section("Environment", table(environment(report.device)));
    html += "</div>\n";
    if (!report.model.empty())
        html +=
            section("Model", fmt::format("<div class=\"wide\"><pre>{}</pre></div>\n", escape(report.model)));
    if (report.confusion.defined())
        html += section("Confusion matrix", confusion(report.confusion, report.classes));
    if (report.mistakes.defined()) html += section("Mistakes", images(report.mistakes, report.captions));
    return html + "<footer>Written by adjoint.</footer>\n</main>\n</body>\n</html>\n";
}

void save_report(const std::string& path, const Report& report) { picture::save_text(path, to_html(report)); }

}  // namespace adjoint::train
