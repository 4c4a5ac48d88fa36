# Writes each ```cpp block of a page to a file of its own, PREFIX<n>.cpp.new, and prints how many there are. A block
# without `int main` is a fragment: its includes stay in front, the rest becomes the body of main.
function finish(    file) {
    count++
    file = prefix count ".cpp.new"
    printf "#line %d \"%s\"\n", start, FILENAME > file
    if (whole && includes !~ /<adjoint\/adjoint\.h>/) {
        printf "%s:%d: a program that does not include <adjoint/adjoint.h>\n", FILENAME, start > "/dev/stderr"
        exit failed = 1
    }
    if (whole) printf "%s", includes body > file
    else printf "#include <adjoint/adjoint.h>\n%susing namespace adjoint;\nint main() {\n#line %d \"%s\"\n%s}\n", \
                includes, start + included, FILENAME, body > file
    close(file)
}
/^```cpp$/ { inside = 1; start = FNR + 1; whole = included = 0; includes = body = ""; next }
/^```$/ && inside { inside = 0; finish(); next }
inside && /^#include/ && !body { includes = includes $0 "\n"; included++; next }
inside { if (/int main\(/) whole = 1; body = body $0 "\n" }
END { if (failed) exit 1; print count + 0 }
