// Writes the programs of exports.h into one file, each in a namespace of its own with run() in the place of
// main(), and a table of these.
// usage: playground_exports FILE
#include <fstream>
#include <string>

#include <adjoint/playground/program.h>

#include "exports.h"

using namespace adjoint;

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    std::ofstream out(argv[1]);
    out << "#include <adjoint/adjoint.h>\n\n#include <cstdint>\n#include <cstdio>\n#include <numbers>\n\n";
    std::string table;
    int number = 0;
    for (const char* const text : playground::exported_settings) {
        std::string program =
            playground::program(playground::read_settings(text), playground::exported_epochs);
        const std::string main = "int main()";
        program.replace(program.find(main), main.size(), "void run()");
        const std::string space = "exported_" + std::to_string(number++);
        // They include what the file begins with, and nothing comes twice.
        out << "namespace " << space << " {\n" << program << "}\n\n";
        table += space + "::run, ";
    }
    out << "extern void (*const exported_programs[])();\nvoid (*const exported_programs[])() = {" << table
        << "};\n";
    return out ? 0 : 1;
}
