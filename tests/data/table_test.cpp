// Categories and whole tables: fitted on one file, applied to another, saved and loaded.
#include <adjoint/data/table.h>

#include <cmath>

#include <adjoint/data/state.h>

#include "test_files.h"

namespace adjoint::data {
namespace {

using Names = std::vector<std::string>;
using Labels = std::vector<std::int64_t>;

TEST(CategoryEncoder, NumbersAreThoseOfTheFit) {
    const CategoryEncoder fitted = CategoryEncoder::fit({"b", "a", "", "b"}, {.column = "kind"});
    EXPECT_EQ(fitted.names(), (Names{"", "a", "b"}));
    EXPECT_EQ(fitted.size(), 3);
    EXPECT_EQ(fitted.transform({"b", "b", "", "a"}).to_vector<std::int64_t>(), (Labels{2, 2, 0, 1}));
    EXPECT_EQ(fitted.transform({}).shape(), Shape{0});
    expect_error<ValueError>(
        [&] {
            fitted.transform({"a", "c"});
        },
        {"column \"kind\", row 1", "\"c\" was not seen", "\"a\", \"b\"", ".unknown = true"});
}

TEST(CategoryEncoder, UnknownIsTheLastNumberOnRequest) {
    const CategoryEncoder fitted =
        CategoryEncoder::fit({"a", "b", "b", "c", "c"}, {.unknown = true, .min_count = 2});
    EXPECT_EQ(fitted.names(), (Names{"b", "c"}));
    EXPECT_EQ(fitted.size(), 3);
    EXPECT_EQ(fitted.transform({"a", "b", "c", "d"}).to_vector<std::int64_t>(), (Labels{2, 0, 1, 2}));
    EXPECT_THROW(CategoryEncoder::fit({}), ValueError);
    EXPECT_THROW(CategoryEncoder::fit({"a"}, {.min_count = 2}), ValueError);
    EXPECT_THROW(CategoryEncoder::fit({"a"}, {.unknown = true, .min_count = 0}), ValueError);
}

TEST(CategoryEncoder, IsSavedAndLoaded) {
    for (const bool unknown : {false, true}) {
        const CategoryEncoder fitted =
            CategoryEncoder::fit({"b", "", "가"}, {.column = "kind", .unknown = unknown});
        const CategoryEncoder loaded = CategoryEncoder::load(fitted.state());
        EXPECT_EQ(loaded.names(), fitted.names());
        EXPECT_EQ(loaded.column(), "kind");
        EXPECT_EQ(loaded.size(), fitted.size());
    }
    NamedTensors state = CategoryEncoder::fit({"b", "a"}).state();
    for (auto& [name, value] : state)
        if (name == "names") value = tensor<std::uint8_t>({'b', 'a'}, {2});
    expect_error<ValueError>([&] { CategoryEncoder::load(state); }, {"ascending"});
    EXPECT_THROW(CategoryEncoder::load({}), ValueError);
}

constexpr const char* training_rows =
    "id,age,income,city,bought\n"
    "1,20,\"1,000\",Rome,no\n"
    "2,NA,\"3,000\",Oslo,yes\n"
    "3,40,NA,Rome,yes\n"
    "4,30,\"2,000\",,no\n";

CsvOptions table_format() { return {.dtype = DType::f64, .na_values = {"NA"}, .thousands = ','}; }

TableOptions columns() { return {.numbers = {"income", "age"}, .categories = {"city"}}; }

TEST(TablePreparation, FillsStandardisesAndTakesCategoriesApart) {
    const TemporaryFolder folder;
    const CsvTable table = read_csv_table(folder.file("a.csv", training_rows), table_format());
    const TablePreparation fitted = TablePreparation::fit(table, columns());
    EXPECT_EQ(fitted.features(), (Names{"income", "age", "city=", "city=Oslo", "city=Rome"}));
    const Tensor x = fitted.transform(table);
    EXPECT_EQ(x.shape(), (Shape{4, 5}));
    EXPECT_EQ(x.dtype(), DType::f64);
    // Income 1000, 3000, 2000 (filled), 2000: mean 2000, variance 500,000. Age 20, 30 (filled), 40, 30.
    const double a = std::sqrt(2.0);
    const std::vector<double> wanted{-a, -a, 0, 0, 1, a, 0, 0, 1, 0, 0, a, 0, 0, 1, 0, 0, 1, 0, 0};
    const std::vector<double> got = x.to_vector<double>();
    for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(got[i], wanted[i], 1e-12) << i;
}

TEST(TablePreparation, IsAppliedToOtherFilesWithOtherColumns) {
    const TemporaryFolder folder;
    const CsvTable table = read_csv_table(folder.file("a.csv", training_rows), table_format());
    const TablePreparation fitted = TablePreparation::fit(table, columns());
    // In another order, without what is not asked for; a row of the first file in a file of one row.
    const CsvTable one =
        read_csv_table(folder.file("b.csv", "city,age,income\nOslo,NA,\"3,000\"\n"), table_format());
    const std::vector<double> all = fitted.transform(table).to_vector<double>();
    EXPECT_EQ(fitted.transform(one).to_vector<double>(),
              std::vector<double>(all.begin() + 5, all.begin() + 10));
    const std::string path = folder.file("c.csv", "city,age,income\nRome,1,1\nPisa,2,2\n");
    const CsvTable unseen = read_csv_table(path, table_format());
    expect_error<ValueError>([&] { fitted.transform(unseen); },
                             {path, "line 3, column city", "\"Pisa\" was not seen", "\"Oslo\", \"Rome\""});
    TableOptions tolerant = columns();
    tolerant.unknown = true;
    const TablePreparation with_slot = TablePreparation::fit(table, tolerant);
    EXPECT_EQ(with_slot.features().back(), "city=(unknown)");
    const std::vector<double> row = with_slot.transform(unseen).to_vector<double>();
    EXPECT_EQ(std::vector<double>(row.end() - 4, row.end()), (std::vector<double>{0, 0, 0, 1}));
    // Each column of categories has its own features, also behind one with a feature for the unknown.
    const TablePreparation two =
        TablePreparation::fit(table, {.categories = {"city", "bought"}, .unknown = true, .min_count = 2});
    EXPECT_EQ(two.features(),
              (Names{"city=Rome", "city=(unknown)", "bought=no", "bought=yes", "bought=(unknown)"}));
    EXPECT_EQ(two.transform(table).to_vector<double>(),
              (std::vector<double>{1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 0, 1, 1, 0, 0}));
    expect_error<IndexError>(
        [&] { fitted.transform(read_csv_table(folder.file("d.csv", "city,age\nRome,1\n"), table_format())); },
        {"income", "city, age"});
    EXPECT_THROW(fitted.transform(read_csv_table(path)), DTypeError);
}

TEST(TablePreparation, IsSavedWithAModelAndLoaded) {
    const TemporaryFolder folder;
    const std::string path = folder / "model.safetensors";
    const CsvTable table = read_csv_table(folder.file("a.csv", training_rows), table_format());
    const std::vector<TableOptions> kinds{
        columns(),
        {.numbers = {"age"}, .fill = 3.0, .standardize = false},
        {.categories = {"city", "bought"}, .unknown = true, .min_count = 2}};
    for (const TableOptions& kind : kinds) {
        const TablePreparation fitted = TablePreparation::fit(table, kind);
        save_safetensors(path, joined({{"model.", {{"weight", ones({2})}}}, {"table.", fitted.state()}}));
        const TablePreparation loaded =
            TablePreparation::load(under(load_safetensors(path).tensors, "table."));
        EXPECT_EQ(loaded.features(), fitted.features());
        EXPECT_TRUE(same(loaded.transform(table), fitted.transform(table)));
    }
    EXPECT_THROW(TablePreparation::load({}), ValueError);
    NamedTensors state = TablePreparation::fit(table, columns()).state();
    for (auto& [name, value] : state)
        if (name == "imputer.values") value = ones({1}, {.dtype = DType::f64});
    expect_error<ValueError>([&] { TablePreparation::load(state); }, {"TablePreparation::load", "2 columns"});
}

TEST(TablePreparation, RefusesWhatItCannotPrepare) {
    const TemporaryFolder folder;
    const std::string path = folder.file("t.csv", "a,b,c\nNA,1,x\n,inf,y\n");
    const CsvTable table = read_csv_table(path, table_format());
    expect_error<ValueError>([&] { TablePreparation::fit(table, {.numbers = {"a"}}); },
                             {path, "column a has no numbers"});
    expect_error<ValueError>([&] { TablePreparation::fit(table, {.numbers = {"b"}}); },
                             {path, "line 3, column b", "inf"});
    expect_error<IoError>([&] { TablePreparation::fit(table, {.numbers = {"c"}}); },
                          {path, "line 2, column 3", "\"x\""});
    expect_error<IndexError>([&] { TablePreparation::fit(table, {.numbers = {"d"}}); }, {"a, b, c"});
    expect_error<ValueError>([&] { TablePreparation::fit(table, {.numbers = {"b"}, .categories = {"b"}}); },
                             {"\"b\" is named twice"});
    EXPECT_THROW(TablePreparation::fit(table, {}), ValueError);
    const CsvTable bare = read_csv_table(folder.file("h.csv", "a,b\n"), {.header = CsvHeader::yes});
    expect_error<ValueError>([&] { TablePreparation::fit(bare, {.numbers = {"a"}}); }, {"0 rows"});
}

}  // namespace
}  // namespace adjoint::data
