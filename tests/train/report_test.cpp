// The page of a run: its parts, that it stands alone, and that it is well formed.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <adjoint/adjoint.h>

#include "count.h"
#include "temporary_folder.h"

namespace adjoint {
namespace {

// Whether every element that is opened is closed in turn.
testing::AssertionResult balanced(const std::string& html) {
    const std::set<std::string> without_end{"meta", "img", "!DOCTYPE"};
    std::vector<std::string> open;
    for (std::size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
        const std::size_t end = html.find('>', at);
        if (end == std::string::npos)
            return testing::AssertionFailure() << "no > after " << html.substr(at, 40);
        const bool closes = html[at + 1] == '/';
        const std::size_t start = at + (closes ? 2 : 1);
        const std::string name = html.substr(start, html.find_first_of(" >/\n", start) - start);
        if (closes) {
            if (open.empty() || open.back() != name)
                return testing::AssertionFailure()
                       << "</" << name << "> closes " << (open.empty() ? "nothing" : open.back());
            open.pop_back();
        } else if (html[end - 1] != '/' && !without_end.contains(name)) {
            open.push_back(name);
        }
    }
    return open.empty() ? testing::AssertionSuccess()
                        : testing::AssertionFailure() << open.back() << " is open";
}

train::Report full_report() {
    train::Report report{.title = "a < b & c",
                         .results = {{"test accuracy", "0.9750"}},
                         .settings = {{"learning rate", "0.1"}, {"batch size", "64"}},
                         .model = "name  shape\nfc1   (3, 5)\n",
                         .confusion = tensor({{8, 2}, {0, 5}}),
                         .classes = {"cat", "dog"},
                         .mistakes = zeros({2, 4, 4}, {.dtype = u8}),
                         .captions = {"cat, taken for dog", "cat?"}};
    for (int epoch = 1; epoch <= 3; ++epoch)
        report.history.epochs.push_back({.epoch = epoch,
                                         .train = {.loss = 1.0 / epoch, .accuracy = 0.5},
                                         .validation = {.loss = 2.0 / epoch, .accuracy = NAN},
                                         .seconds = 0.25,
                                         .metrics = {{"F1", 0.875}}});
    return report;
}

TEST(Report, HoldsWhatItWasGiven) {
    const std::string html = train::to_html(full_report());
    EXPECT_TRUE(balanced(html));
    EXPECT_EQ(count(html, "a &lt; b &amp; c"), 2) << "title and heading, escaped";
    for (const char* part :
         {"<dd>0.9750</dd>", "<td>64</td>", "fc1   (3, 5)\n", "<th scope=\"col\">dog</th>", ">80%<", ">100%<",
          "<figcaption>cat, taken for dog</figcaption>", "<th scope=\"col\">F1</th>",
          "<td>3</td><td>0.3333</td><td>0.5000</td><td>0.6667</td><td></td><td>0.25</td><td>0.8750</td>"})
        EXPECT_EQ(count(html, part), 1) << part;
    EXPECT_EQ(count(html, "<svg"), 2) << "loss and accuracy";
    EXPECT_EQ(count(html, "src=\"data:image/png;base64,"), 2);
    EXPECT_NE(html.find(version), std::string::npos);
}

TEST(Report, NumbersAreReadOnTheirGround) {
    const std::string html = train::to_html(full_report());
    EXPECT_EQ(count(html, "color:#1c2733\">2<"), 1) << "dark on salmon";
    EXPECT_EQ(count(html, "color:#ffffff\">5<"), 1) << "light on dark blue";
}

TEST(Report, NeedsNoOtherFileAndNoScript) {
    const std::string html = train::to_html(full_report());
    for (const char* part : {"<script", "<link", "@import", "src=\"http", "href=\"http"})
        EXPECT_EQ(count(html, part), 0) << part;
}

TEST(Report, LeavesOutWhatIsEmpty) {
    const std::string html = train::to_html({.title = "empty"});
    EXPECT_TRUE(balanced(html));
    for (const char* heading : {"Learning curves", "Settings", "Model", "Confusion matrix", "Mistakes"})
        EXPECT_EQ(count(html, std::string("<h2>") + heading), 0) << heading;
    EXPECT_EQ(count(html, "<h2>Environment"), 1);
}

TEST(Report, RefusesWhatDoesNotFit) {
    train::Report report = full_report();
    report.confusion = zeros({2, 3});
    EXPECT_THROW(train::to_html(report), ShapeError);
    report = full_report();
    report.classes = {"cat"};
    EXPECT_THROW(train::to_html(report), ValueError);
    report = full_report();
    report.captions = {"one"};
    EXPECT_THROW(train::to_html(report), ValueError);
    report = full_report();
    report.mistakes = zeros({4, 4});
    EXPECT_THROW(train::to_html(report), ShapeError);
    EXPECT_THROW(train::save_report("/no/such/folder/x.html", full_report()), IoError);
}

TEST(Report, IsWrittenToAFile) {
    const TemporaryFolder folder;
    const std::string path = folder / "report.html";
    train::save_report(path, full_report());
    std::ifstream file(path);
    const std::string html{std::istreambuf_iterator<char>(file), {}};
    EXPECT_TRUE(html.starts_with("<!DOCTYPE html>") && html.ends_with("</html>\n"));
}

}  // namespace
}  // namespace adjoint
