// Text tables.
#include <adjoint/data/csv.h>

#include "packing.h"
#include "target.h"

namespace adjoint::fuzz {
namespace {

/// Options from two bytes.
data::CsvOptions csv_options(unsigned char first, unsigned char second) {
    constexpr std::string_view delimiters = ",; \t|";
    data::CsvOptions options;
    options.delimiter = first % 16 < delimiters.size() ? delimiters[first % 16] : static_cast<char>(second);
    options.header = static_cast<data::CsvHeader>(first / 16 % 3);
    options.dtype = second % 2 == 0 ? f32 : f64;
    options.empty_is_nan = second / 2 % 2 == 0;
    options.unpacked_limit = std::uint64_t{1} << 20;
    return options;
}

/// The first two bytes are options.
Target csv_target() {
    Target target{
        .name = "csv", .read = [](const std::string& bytes) {
            if (bytes.size() < 2) return;
            const auto options =
                csv_options(static_cast<unsigned char>(bytes[0]), static_cast<unsigned char>(bytes[1]));
            const std::string path = place().file("in.csv", bytes.substr(2));
            const data::CsvTable table = data::read_csv_table(path, options);
            std::vector<std::int64_t> columns;
            for (std::int64_t c = 0; c < table.column_count(); ++c) {
                expect(table.categories(c).labels.size(0) == std::ssize(table.rows),
                       "a column has another number of categories than rows");
                columns.push_back(c);
            }
            const Tensor numbers = data::read_csv(path, options);
            expect(same_bits(numbers, table.numbers(columns)), "as a table of text it has other numbers");
        }};
    const auto seed = [&](char first, char second, const std::string& text) {
        target.seeds.push_back(std::string{first, second} + text);
    };
    seed(0, 0, "a,\"b\"\r\n1.5,-2e3\n\n 3 ,\"4\"\n,nan");
    seed(0, 1, gzipped("x,y\n1,2\n3,4.5\n-0.000001e+7,1e-400\n"));
    seed(2, 1, " 1  2\n3\t4 \n inf -inf\n");
    seed(0x11, 2, "\xEF\xBB\xBF\"1\";2;3\n8;4;5\n");
    return target;
}

}  // namespace

std::vector<Target> table_targets() { return {csv_target()}; }

}  // namespace adjoint::fuzz
