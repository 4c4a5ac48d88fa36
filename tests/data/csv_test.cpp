// Text tables: what is accepted and how it reads, what is refused and with which line.
#include <adjoint/data/csv.h>

#include <clocale>
#include <cmath>
#include <limits>

#include <sys/resource.h>

#include <functional>

#include "test_files.h"

namespace adjoint::data {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

struct Accepted {
    const char* what;
    std::string content;
    Shape shape;
    std::vector<float> values;
    CsvOptions options = {};
};

void expect_values(const Tensor& table, const Accepted& row) {
    ASSERT_EQ(table.shape(), row.shape) << row.what;
    const auto values = table.to_vector<float>();
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (std::isnan(row.values[i]))
            EXPECT_TRUE(std::isnan(values[i])) << row.what << " at " << i;
        else
            EXPECT_EQ(std::bit_cast<std::uint32_t>(values[i]), std::bit_cast<std::uint32_t>(row.values[i]))
                << row.what << " at " << i << ": " << values[i];
    }
}

const std::vector<Accepted>& accepted() {
    static const std::vector<Accepted> table = {
        {"plain", "1,2\n3,4\n", {2, 2}, {1, 2, 3, 4}},
        {"no last newline", "1,2\n3,4", {2, 2}, {1, 2, 3, 4}},
        {"CRLF", "1,2\r\n3,4\r\n", {2, 2}, {1, 2, 3, 4}},
        {"CR at the very end", "1,2\r\n3,4\r", {2, 2}, {1, 2, 3, 4}},
        {"blank lines", "\n\r\n1,2\n\n  \n3,4\n\n", {2, 2}, {1, 2, 3, 4}},
        {"byte order mark",
         "\xef\xbb\xbf"
         "1,2\n",
         {1, 2},
         {1, 2}},
        {"byte order mark and header",
         "\xef\xbb\xbf"
         "a,b\n1,2\n",
         {1, 2},
         {1, 2}},
        {"one column", "1\n2\n3", {3, 1}, {1, 2, 3}},
        {"one cell", "7", {1, 1}, {7}},
        {"missing by name",
         "a,b\nNA, -999 \n-999.0,null\n-999,7\n",
         {3, 2},
         {nan, nan, -999, nan, nan, 7},
         {.na_values = {"NA", "-999", "null"}}},
        {"missing where nothing may be empty",
         "?,2\n",
         {1, 2},
         {nan, 2},
         {.header = CsvHeader::no, .empty_is_nan = false, .na_values = {"?"}}},
        {"thousands",
         "\"1,234\",\"-1,234,567.25\",12,\"+123,456e-3\"\n",
         {1, 4},
         {1234, -1234567.25F, 12, 123.456F},
         {.thousands = ','}},
        {"thousands of another kind",
         "1'234;9'007'199\n1 234;1'000\n",
         {2, 2},
         {1234, 9007199, nan, 1000},
         {.delimiter = ';', .na_values = {"1 234"}, .thousands = '\''}},
        {"signs", "-1,+2,-0,+.5,-.25e1,1.", {1, 6}, {-1, 2, -0.0F, 0.5F, -2.5F, 1}},
        {"spaces around", " 1 ,\t2\t, -3\n", {1, 3}, {1, 2, -3}},
        {"nan and inf",
         "nan,NaN,-inf,INF,+inf,infinity",
         {1, 6},
         {nan, nan, -infinity, infinity, infinity, infinity}},
        {"too small",
         "1e-400,-1e-400,0.0000000000000000000000000000000000000000000000000000001,100e-"
         "999999999999999999999",
         {1, 4},
         {0, -0.0F, 0, 0}},
        {"exponents at the end of 64 bits",
         "0.001e-9223372036854775807,1e-9223372036854775808,-1e-9223372036854775807,0e9223372036854775807",
         {1, 4},
         {0, 0, -0.0F, 0}},
        {"many digits",
         "16777217,123456789012345678901234567890,0.1000000000000000055511151231257827",
         {1, 3},
         {16777216, 123456789012345678901234567890.F, 0.1F}},
        {"zeros in front",
         "007,-000000000000000000000001,00000000000000000000000000000000000000000000000000e5",
         {1, 3},
         {7, -1, 0}},
        {"empty cells", "1,,3\n,2,\n", {2, 3}, {1, nan, 3, nan, 2, nan}},
        {"nothing but delimiters", ",\n,", {2, 2}, {nan, nan, nan, nan}},
        {"quoted numbers", "\"1\",\"2.5\"\r\n\" 3 \",\"\"\n", {2, 2}, {1, 2.5F, 3, nan}},
        {"header", "x,y\n1,2\n", {1, 2}, {1, 2}},
        {"header with quotes and line breaks", "\"a,b\n\"\"c\"\"\",y\n1,2\n", {1, 2}, {1, 2}},
        {"header with an empty name", ",y\n0,2\n", {1, 2}, {0, 2}},
        {"header of numbers", "1,2\n3,4\n", {1, 2}, {3, 4}, {.header = CsvHeader::yes}},
        {"header alone", "x,y\n", {0, 2}, {}},
        {"semicolons", "1;2\n3;4\n", {2, 2}, {1, 2, 3, 4}, {.delimiter = ';'}},
        {"tabs", "1\t2\n\t4\n", {2, 2}, {1, 2, nan, 4}, {.delimiter = '\t'}},
        {"runs of spaces", "  1   2 \n3 \t 4\r\n   \n 5 6", {3, 2}, {1, 2, 3, 4, 5, 6}, {.delimiter = ' '}},
        {"runs of spaces with quotes", "\"1\"  \"2\"\n 3 4\n", {2, 2}, {1, 2, 3, 4}, {.delimiter = ' '}},
    };
    return table;
}

TEST(Csv, Accepts) {
    const TemporaryFolder folder;
    for (const Accepted& row : accepted()) {
        expect_values(read_csv(folder.file("a.csv", row.content), row.options), row);
        expect_values(read_csv(folder.file("a.csv.gz", zipped(row.content)), row.options), row);
        CsvOptions twice = row.options;
        twice.dtype = DType::f64;
        const Tensor table = read_csv(folder.file("a.csv", row.content), twice);
        EXPECT_EQ(table.dtype(), DType::f64);
        EXPECT_EQ(table.shape(), row.shape) << row.what;
    }
}

TEST(Csv, TablesAgreeWithNumbers) {
    const TemporaryFolder folder;
    for (const Accepted& row : accepted()) {
        const CsvTable table = read_csv_table(folder.file("a.csv", row.content), row.options);
        std::vector<std::int64_t> all;
        for (std::int64_t i = 0; i < table.column_count(); ++i) all.push_back(i);
        expect_values(table.numbers(all), row);
    }
}

TEST(Csv, DoublesAreExact) {
    const TemporaryFolder folder;
    const Tensor table = read_csv(
        folder.file(
            "a",
            "0.1,1e400e,2\n0.1,4.9e-324,9007199254740993\n1.7976931348623157e308,999999999999999,-1e22\n"),
        {.header = CsvHeader::yes, .dtype = DType::f64});
    EXPECT_EQ(table.to_vector<double>(),
              (std::vector<double>{0.1, 4.9e-324, 9007199254740992, 1.7976931348623157e308, 999999999999999,
                                   -1e22}));
}

struct Refused {
    std::string content;
    std::vector<std::string> message;
    CsvOptions options = {};
};

TEST(Csv, Refuses) {
    const TemporaryFolder folder;
    const std::vector<Refused> table = {
        {"", {"holds no rows"}},
        {"\xef\xbb\xbf", {"holds no rows"}},
        {" \n\r\n", {"holds no rows"}},
        {"1,2\n3\n", {"line 2 has 1 columns, expected 2 as in line 1"}},
        {"\n1,2\r\n\r\n3,4,5\n", {"line 4 has 3 columns, expected 2 as in line 2"}},
        {"a,b\n1,2\n3,4,\n", {"line 3 has 3 columns, expected 2"}},
        {"\"a\nb\",c\n1\n", {"line 3 has 1 columns, expected 2"}},
        {"1,2\n3,abc\n", {"line 2, column 2: \"abc\" is not a number"}},
        {"label,0,1\n5,6,7\n", {"line 1, column 1: \"label\" is not a number"}},
        {"1,2\n1.5.2,3\n", {"\"1.5.2\" is not a number"}},
        {"1,2\n0x10,3\n", {"\"0x10\" is not a number"}},
        {"1,2\n+-3,3\n", {"\"+-3\" is not a number"}},
        {"1,2\n3,nan(7)\n", {"\"nan(7)\" is not a number"}},
        {"1,2\n1e,3\n", {"\"1e\" is not a number"}},
        {"1,2\n-,3\n", {"\"-\" is not a number"}},
        {"1,2\n3 4,3\n", {"\"3 4\" is not a number"}},
        {"1\r2\n", {"\"1\\x0d2\" is not a number"}, {.header = CsvHeader::no}},
        {"1,2\n3,gr\xfc\xc3\xbc\xe2\x82\n", {"\"gr\\xfc\xc3\xbc\\xe2\\x82\" is not a number"}},
        {bytes("1,2\n3\0,4\n"), {"\"3\\x00\" is not a number"}},
        {"1;2\n1,5;3\n",
         {"line 2, column 1: \"1,5\" is not a number (a point was expected, not a comma)"},
         {.delimiter = ';'}},
        {"a\tb\n1\t2\n", {"\"1\\x092\" is not a number ({.delimiter = '\\t'} would divide it)"}},
        {"1,2\n3,1e400\n", {"line 2, column 2: \"1e400\" is too large for f32; read it as f64"}},
        {"1,2\n3,1e39\n", {"too large for f32"}},
        {"1,2\n3,-1e400\n", {"\"-1e400\" is too large for f64"}, {.dtype = DType::f64}},
        {"1,2\n3,0.001e99999999999999999999\n", {"too large for f64"}, {.dtype = DType::f64}},
        {"1,2\n3,1e9223372036854775807\n", {"too large for f64"}, {.dtype = DType::f64}},
        {"1,2\n3,123.4e9223372036854775806\n", {"too large for f32"}},
        {"1,2\n3," + std::string(400, '9') + "e-10\n",
         {"(404 bytes) is too large for f64"},
         {.dtype = DType::f64}},
        {"1,2\n3,\n", {"line 2, column 2: empty where a number was expected"}, {.empty_is_nan = false}},
        {"1,2\n\"3,4\n5,6\n", {"line 2: a quote opens here and is never closed"}},
        {"1,2\n\"3\"x,4\n", {"line 2: text follows a closing quote"}},
        {bytes("\xff\xfe"
               "1\0,\0"),
         {"UTF-16"}},
        // NOLINTNEXTLINE(bugprone-string-constructor): large on purpose
        {"1,2\n3," + std::string(10'000'000, 'x') + "\n",
         {"line 2, column 2", "xxx...\" (10000000 bytes) is not a number"}},
    };
    for (const Refused& row : table) {
        auto message = row.message;
        message.push_back(folder / "bad.csv");
        expect_error([&] { read_csv(folder.file("bad.csv", row.content), row.options); }, message);
    }
    expect_error([&] { read_csv(folder / "none.csv"); }, {"no such file"});
    const std::string good = folder.file("a", "1,2\n");
    expect_error<ValueError>([&] { read_csv(good, {.delimiter = '\n'}); }, {"delimiter"});
    expect_error<ValueError>([&] { read_csv(good, {.dtype = DType::i64}); }, {"f32 or f64, not as i64"});
}

TEST(Csv, DoesNotDependOnTheLocale) {
    const std::string before = std::setlocale(LC_ALL, nullptr);
    bool found = false;
    for (const char* const locale : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "pl_PL.UTF-8"})
        found = found || std::setlocale(LC_ALL, locale) != nullptr;
    const TemporaryFolder folder;
    const auto values = read_csv(folder.file("a", "1.5,2.25\n")).to_vector<float>();
    std::setlocale(LC_ALL, before.c_str());
    EXPECT_EQ(values, (std::vector<float>{1.5F, 2.25F}));
    if (!found) GTEST_SKIP() << "no locale with a decimal comma is installed; read in the usual one only";
}

TEST(Csv, LongLines) {
    const TemporaryFolder folder;
    std::string line = "0";
    for (int i = 1; line.size() < 10'000'000; ++i) line += "," + std::to_string(i % 1000) + ".5";
    const Tensor table = read_csv(folder.file("a", line + "\n" + line));
    EXPECT_EQ(table.size(0), 2);
    EXPECT_GT(table.size(1), 1'000'000);
    EXPECT_EQ(table.data<float>()[12345], 345.5F);
    EXPECT_EQ(table.data<float>()[table.size(1) + 12345], 345.5F);
}

TEST(CsvTable, MixedColumns) {
    const TemporaryFolder folder;
    const std::string path =
        folder.file("a", "size,name,\"price, EUR\"\n1.5,\"b\",10\n2,\"a \"\"x\"\"\ny\",\n\n3,b,30\n");
    const CsvTable table = read_csv_table(path);
    EXPECT_EQ(table.columns, (std::vector<std::string>{"size", "name", "price, EUR"}));
    ASSERT_EQ(table.rows.size(), 3U);
    EXPECT_EQ(table.rows[1], (std::vector<std::string>{"2", "a \"x\"\ny", ""}));
    EXPECT_EQ(table.lines, (std::vector<std::int64_t>{2, 3, 6}));
    EXPECT_EQ(table.column("price, EUR"), 2);
    const Tensor sizes = table.numbers({2, 0});
    EXPECT_EQ(sizes.shape(), (Shape{3, 2}));
    EXPECT_EQ(sizes.to_vector<float>()[1], 1.5F);
    EXPECT_TRUE(std::isnan(sizes.to_vector<float>()[2]));
    const CsvCategories names = table.categories(1);
    EXPECT_EQ(names.names, (std::vector<std::string>{"a \"x\"\ny", "b"}));
    EXPECT_TRUE(same(names.labels, tensor<std::int64_t>({1, 0, 1}, {3})));
    expect_error<IndexError>([&] { (void)table.column("weight"); },
                             {path, "no column \"weight\"", "size, name, price, EUR"});
    expect_error<IndexError>([&] { (void)table.numbers({3}); }, {"column 3 is outside [0, 3)"});
    expect_error<IndexError>([&] { (void)table.categories(-1); }, {"column -1 is outside"});
    expect_error([&] { (void)table.numbers({0, 1}); }, {"line 2, column 2: \"b\" is not a number"});
    expect_error([&] { (void)read_csv_table(folder.file("b", "a,b\nc\n")); },
                 {"line 2 has 1 columns, expected 2"});
    expect_error([&] { (void)read_csv_table(folder.file("d", "a;b\n1,5;2,5\n")); },
                 {"line 2 has 3 columns, expected 1 as in line 1 ({.delimiter = ';'} would divide it)"});
    const CsvTable semicolons = read_csv_table(folder.file("c", "a;b\nx;y\n"));
    expect_error<IndexError>([&] { (void)semicolons.column("b"); },
                             {"no column \"b\"; the columns are: a;b ({.delimiter = ';'} would divide it)"});
    const CsvTable twice = read_csv_table(folder.file("e", "a,b,a\n1,2,3\n"));
    EXPECT_EQ(twice.column("b"), 1);
    expect_error<IndexError>([&] { (void)twice.column("a"); }, {"columns 0 and 2 are both called \"a\""});
}

TEST(CsvTable, WithoutHeader) {
    const TemporaryFolder folder;
    const CsvTable table = read_csv_table(folder.file("a", "5.1,setosa\n4.9,setosa\n"));
    EXPECT_TRUE(table.columns.empty());
    EXPECT_EQ(table.rows.size(), 2U);
    EXPECT_EQ(table.column_count(), 2);
    expect_error<IndexError>([&] { (void)table.column("x"); }, {"without names"});
    const CsvTable words = read_csv_table(folder.file("b", "a,b\nc,d\n"), {.header = CsvHeader::no});
    EXPECT_EQ(words.rows.size(), 2U);
}

TEST(CsvTable, RealTables) {
    const std::string folder = real_data() + "/../tabular";
    if (real_data().empty() || !std::filesystem::exists(folder))
        GTEST_SKIP() << "ADJOINT_DATA does not lead to iris.csv and boston_housing.data";
    const CsvTable iris = read_csv_table(folder + "/iris.csv");
    ASSERT_EQ(iris.rows.size(), 150U);
    const CsvCategories species = iris.categories(4);
    EXPECT_EQ(species.names, (std::vector<std::string>{"Iris-setosa", "Iris-versicolor", "Iris-virginica"}));
    EXPECT_EQ(species.labels.to_vector<std::int64_t>()[100], 2);
    const auto measures = iris.numbers({0, 1, 2, 3}).to_vector<float>();
    EXPECT_EQ(std::vector<float>(measures.begin(), measures.begin() + 4),
              (std::vector<float>{5.1F, 3.5F, 1.4F, 0.2F}));
    expect_error([&] { read_csv(folder + "/iris.csv"); }, {"line 1, column 5: \"Iris-setosa\""});
    const Tensor boston = read_csv(folder + "/boston_housing.data", {.delimiter = ' '});
    EXPECT_EQ(boston.shape(), (Shape{506, 14}));
    EXPECT_EQ(boston.data<float>()[0], 0.00632F);
    EXPECT_EQ(boston.data<float>()[13], 24.F);
}

TEST(Csv, SeparatorsStandBetweenGroupsOfThree) {
    const TemporaryFolder folder;
    for (const char* cell : {"1,23", "1,2345", "1234,567", ",123", "1,,234", "1,234,56", "1.234,567", "-,123",
                             "1,234.5,678", "1,234e1,000", "1,"}) {
        const std::string path = folder.file("t.csv", "\"" + std::string(cell) + "\"\n");
        expect_error([&] { read_csv(path, {.header = CsvHeader::no, .thousands = ','}); },
                     {"line 1, column 1", cell, "is not a number"});
    }
    // Without the option it is said.
    const std::string path = folder.file("t.csv", "\"1,234\"\n");
    expect_error([&] { read_csv(path, {.header = CsvHeader::no}); }, {"\"1,234\"", "{.thousands = ','}"});
    expect_error([&] { read_csv(folder.file("n.csv", "a\n1\nN/A\n")); },
                 {"line 3", "{.na_values = {\"N/A\"}}"});
    for (const char bad : {'.', '-', '+', '1', 'e', '"', '\n'})
        expect_error<ValueError>([&] { read_csv(path, {.thousands = bad}); }, {"between thousands"});
}

TEST(Csv, WhatIsMissingIsOneCategory) {
    const TemporaryFolder folder;
    const CsvTable table = read_csv_table(folder.file("t.csv", "size,city\nNA,Rome\n\"1,000\",n/a\n2,\n"),
                                          {.na_values = {"NA", "n/a"}, .thousands = ','});
    EXPECT_EQ(table.text(1), (std::vector<std::string>{"Rome", "", ""}));
    const CsvCategories cities = table.categories(1);
    EXPECT_EQ(cities.names, (std::vector<std::string>{"", "Rome"}));
    EXPECT_EQ(cities.labels.to_vector<std::int64_t>(), (std::vector<std::int64_t>{1, 0, 0}));
    const auto sizes = table.numbers({0}).to_vector<float>();
    EXPECT_TRUE(std::isnan(sizes[0]));
    EXPECT_EQ(sizes[1], 1000);
    EXPECT_THROW(table.text(2), IndexError);
    const CsvTable some = table.select(std::vector<std::int64_t>{2, 0});
    EXPECT_EQ(some.text(0), (std::vector<std::string>{"2", ""}));
    EXPECT_EQ(some.lines, (std::vector<std::int64_t>{4, 2}));
    EXPECT_EQ(some.column("city"), 1);
    EXPECT_THROW(table.select(std::vector<std::int64_t>{3}), IndexError);
}

TEST(Csv, AnArchiveUnpacksToNoMoreThanTheLimit) {
    const TemporaryFolder folder;
    const std::string row = std::string(2'000'000, ',') + "\n", path = folder.file("a.csv.gz", zipped(row));
    for (const auto& read :
         {std::function<void(const CsvOptions&)>([&](const CsvOptions& o) { read_csv(path, o); }),
          std::function<void(const CsvOptions&)>([&](const CsvOptions& o) { read_csv_table(path, o); })})
        expect_error([&] { read({.unpacked_limit = 2'000'000}); }, {path, "more than the 2000000 bytes"});
    EXPECT_EQ(read_csv(path, {.unpacked_limit = 2'000'001}).shape(), (Shape{1, 2'000'001}));
    // What lies there unpacked is as large as it is.
    EXPECT_EQ(read_csv(folder.file("a.csv", "1,2\n3,4\n"), {.unpacked_limit = 1}).numel(), 4);
}

// A first row of many cells is looked at before the table is made: as text it would take 32 bytes a cell.
TEST(Csv, CountsColumnsWithoutKeepingTheirText) {
    const TemporaryFolder folder;
    const std::string path = folder.file("wide.csv", std::string(4'000'000, ',') + "\n");
    rusage before{}, after{};
    ::getrusage(RUSAGE_SELF, &before);
    EXPECT_EQ(read_csv(path, {.header = CsvHeader::yes}).shape(), (Shape{0, 4'000'001}));
    ::getrusage(RUSAGE_SELF, &after);
    EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 64 << 10) << "KiB";
}

}  // namespace
}  // namespace adjoint::data
