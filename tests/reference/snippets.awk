# Makes of each ```cpp block of the pages a function, and of the ```text block behind it what it prints.
function page(    parts, n) {
    n = split(FILENAME, parts, "/")
    sub(/\.md$/, "", parts[n])
    return parts[n]
}
/^```cpp$/ { inside = 1; body = ""; start = FNR + 1; next }
/^```text$/ { said = 1; expected = ""; next }
/^```$/ && inside {
    inside = 0
    name = page() "_" (++number[FILENAME])
    gsub(/-/, "_", name)
    printf "static void snippet_%d() {\n#line %d \"%s\"\n%s}\n", ++count, start, FILENAME, body
    next
}
/^```$/ && said {
    said = 0
    table = table sprintf("    {\"%s\", snippet_%d, R\"~(%s)~\"},\n", name, count, expected)
    next
}
inside { body = body $0 "\n" }
said { expected = expected $0 "\n" }
END { printf "#line 1 \"snippets\"\nstatic const Snippet snippets[] = {\n%s};\n", table }
