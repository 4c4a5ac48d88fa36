"""What Doxygen has read in a header, as Markdown: an entry for each class, and for functions with one comment."""
import collections
import itertools
import pathlib
import re
import textwrap
import xml.etree.ElementTree as ET

Item = collections.namedtuple("Item", "line kind names code doc")
SPECIAL = re.compile(r"(`[^`\n]+`)|([\\`*_\[\]<>#|{}$])")


def flat(node):
    return "".join(node.itertext()).strip() if node is not None else ""


def escaped(text):
    """Code spans stay as they are."""
    return SPECIAL.sub(lambda match: match[1] or "\\" + match[2], text)


def text_of(node):
    """The inline content of a paragraph; code listings and parts are blocks of their own."""
    out = escaped(node.text or "")
    for child in node:
        if child.tag == "programlisting":
            lines = [listing(line) for line in child.iter("codeline")]
            out += "\n\n```cpp\n" + "\n".join(lines) + "\n```\n\n"
        elif child.tag == "simplesect":
            title = flat(child.find("title"))
            out += f"\n\n*{title}:* " + "\n\n".join(text_of(para).strip() for para in child.iter("para")) + "\n\n"
        else:
            out += text_of(child)
        out += escaped(child.tail or "")
    return out


def listing(line):
    out = []

    def walk(node):
        if node.tag == "sp":
            out.append(" ")
        out.append(node.text or "")
        for child in node:
            walk(child)
            out.append(child.tail or "")

    walk(line)
    return "".join(out).strip("\n")


def doc_of(member):
    parts = []
    for tag in ("briefdescription", "detaileddescription"):
        for para in member.findall(f"{tag}/para"):
            parts.append(text_of(para).strip())
    return "\n\n".join(part for part in parts if part)


def tidy(code):
    code = re.sub(r"\s+", " ", code).strip()
    code = re.sub(r" ([&*]+) ?(?=[\w(])", r"\1 ", code)
    code = re.sub(r" ([&*]+)(?=[,)]|$)", r"\1", code)
    code = re.sub(r"(?<=[\w>}\])]) ?=(?=[\w{\"(.:-])", " = ", code)
    code = re.sub(r"< (?=\S)", "<", code)
    code = re.sub(r"(?<=\S) (?=>)", "", code)
    return code.replace(" (", "(")


def signature(member):
    template = member.find("templateparamlist")
    code = ""
    if template is not None:
        params = [" ".join(filter(None, (flat(p.find("type")), flat(p.find("declname"))))) for p in template]
        code = "template <" + ", ".join(params) + "> "
    kind = member.get("kind")
    if kind == "enum":
        values = []
        for value in member.findall("enumvalue"):
            said = doc_of(value)
            values.append(f"    {flat(value.find('name'))}," + (f"  // {plain(said)}" if said else ""))
        name = flat(member.find("name"))
        return "enum " + ("class " if member.get("strong") == "yes" else "") + name + " {\n" + "\n".join(values) + "\n}"
    prefix = "static " if member.get("static") == "yes" and member.get("inline") != "yes" else ""
    if kind == "typedef":
        return code + tidy("using " + flat(member.find("name")) + " = " + flat(member.find("type")))
    code += prefix + flat(member.find("type")) + " " + flat(member.find("name"))
    if kind == "function":
        code += flat(member.find("argsstring"))
    else:
        code += flat(member.find("argsstring")) + " " + flat(member.find("initializer"))
    return tidy(code)


def field_with_comment(field):
    """A short comment behind the field, a long one above it."""
    code, said = signature(field) + ";", plain(doc_of(field))
    if not said:
        return code
    if len(code) + len(said) <= 90:
        return f"{code}  // {said}"
    return "\n".join(textwrap.wrap(said, 76, initial_indent="// ", subsequent_indent="// ") + [code])


def plain(markdown):
    return re.sub(r"\\(.)", r"\1", markdown).replace("\n", " ")


def speaks_for_itself(name):
    """Options, whose fields say what they are; names of containers; what a class does when it is called."""
    return name.endswith("Options") or name.startswith(("operator", "~")) or name in (
        "size", "empty", "begin", "end", "forward", "backward", "activation", "attributes")


class Headers:
    """The items of each header, in its order."""

    def __init__(self, xml):
        self.items = collections.defaultdict(list)
        self.files = {}
        self.classes = {}
        roots = [ET.parse(path).getroot().find("compounddef") for path in sorted(pathlib.Path(xml).glob("*.xml"))
                 if path.name != "index.xml"]
        roots = [root for root in roots if root is not None]
        for root in roots:
            if root.get("kind") in ("class", "struct", "union"):
                self.classes[flat(root.find("compoundname"))] = root
        for root in roots:
            kind = root.get("kind")
            if kind == "file":
                self.files[root.find("location").get("file")] = doc_of(root)
            if kind in ("namespace", "file"):
                for member in root.iter("memberdef"):
                    self.add(member)
        for name, root in self.classes.items():
            outer = name.rpartition("::")[0]
            hidden = root.get("prot") in ("private", "protected") or "detail" in name.split("::")
            if outer not in self.classes and not hidden and "<" not in name:
                self.add_class(name, root)
        for items in self.items.values():
            items.sort()

    def add(self, member):
        place = member.find("location")
        name = flat(member.find("name"))
        if member.get("kind") == "friend" or place is None or name.startswith("@"):
            return
        kind = member.get("kind")
        doc = doc_of(member)
        self.items[place.get("file")].append(Item(int(place.get("line")), kind, (name,), (signature(member),), doc))

    def add_class(self, name, root):
        place = root.find("location")
        self.items[place.get("file")].append(
            Item(int(place.get("line")), root.get("kind"), (name.rpartition("::")[2],), (name,), doc_of(root)))

    def members(self, name):
        """What is public of a class, in its order, each with the heading of its group."""
        found = []
        for section in self.classes[name].findall("sectiondef"):
            for member in section.findall("memberdef"):
                if member.get("prot") == "public" and member.get("kind") != "friend":
                    found.append((int(member.find("location").get("line")), flat(section.find("header")), member))
        return [(heading, member) for _, heading, member in sorted(found, key=lambda each: each[0])]

    def undocumented(self, header):
        """What a reader would look for in vain, by name."""
        missing = []
        for item in grouped(self.items[header]):
            is_class = item.kind in ("class", "struct", "union")
            if not item.doc and not speaks_for_itself(item.names[0]):
                missing.append(", ".join(dict.fromkeys(item.names)))
            for _, member in self.members(item.code[0]) if is_class else ():
                name = flat(member.find("name"))
                if member.get("kind") == "function" and name != item.names[0] and not speaks_for_itself(
                        name) and "delete" not in signature(member) and not doc_of(member):
                    missing.append(f"{item.names[0]}::{name}")
        return missing

    def markdown(self, header):
        out = [self.files.get(header, "")]
        # The class that the header has its name from, then what it takes and what stands behind it.
        named = pathlib.PurePath(header).stem.replace("_", "")
        items = sorted(self.items[header], key=lambda item: item.kind != "class" or item.names[0].lower() != named)
        for item in grouped(items):
            if item.kind in ("class", "struct", "union"):
                out += self.of_class(item)
                continue
            shown = list(dict.fromkeys(item.names))
            title = ", ".join(f"`{name}`" for name in shown[:6]) + (" ..." if len(shown) > 6 else "")
            out += [f"### {title}", block(item.code), item.doc]
        return "\n\n".join(part for part in out if part) + "\n"

    def of_class(self, item):
        name = item.code[0]
        root = self.classes[name]
        bases = ", ".join(tidy(flat(base)) for base in root.findall("basecompoundref") if base.get("prot") == "public")
        out = [f"### `{item.names[0]}`", f"`{item.kind} {name.removeprefix('adjoint::')}`" + (
            f", derived from `{bases}`" if bases else ""), item.doc]
        for heading, group in itertools.groupby(self.members(name), lambda pair: pair[0]):
            members = [member for _, member in group]
            if heading:
                out.append(f"#### {heading}")
            fields = [member for member in members if member.get("kind") == "variable"]
            if fields:
                out.append(fenced(field_with_comment(field) for field in fields))
            functions = [Item(0, m.get("kind"), (flat(m.find("name")),), (signature(m),), doc_of(m)) for m in members
                         if m.get("kind") != "variable" and not re.search(r"= ?delete", signature(m))
                         and not flat(m.find("name")).startswith("~")]
            for entry in grouped(functions):
                out += [block(entry.code), entry.doc]
        return out


def block(code):
    """Declarations; what is too long for a line goes on behind an indent."""
    lines = [line if "\n" in line else textwrap.fill(line, 90, subsequent_indent="    ", break_long_words=False,
                                                     break_on_hyphens=False) for line in code]
    return fenced(line + ";" for line in lines)


def fenced(lines):
    """Programs are `cpp`, declarations `c++`: site.css wraps these on narrow screens."""
    return "```c++\n" + "\n".join(lines) + "\n```"


def grouped(items):
    """Neighbours that share a comment, or have none, are one entry."""
    out = []
    for item in items:
        last = out[-1] if out else None
        if last and item.kind == last.kind == "function" and item.doc == last.doc:
            out[-1] = last._replace(names=last.names + item.names, code=last.code + item.code)
        else:
            out.append(item)
    return out

