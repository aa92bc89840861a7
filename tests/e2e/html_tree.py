"""A strict reading of HTML: each element that is begun is ended, in its order."""

import html.parser

VOID = {"meta", "input", "br", "link", "img"}


class Element:
    """An element with its attributes and what is in it: elements and text."""

    def __init__(self, name, attributes, parent):
        self.name, self.parent, self.children = name, parent, []
        self.attributes = dict(attributes)
        if len(self.attributes) != len(attributes):
            raise AssertionError(f"<{name}> has an attribute twice: {attributes}")

    def __getitem__(self, name):
        return self.attributes.get(name)

    def walk(self):
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child.walk()

    def all(self, name, **attributes):
        """The elements of that name with those attributes, in their order."""
        return [e for e in self.walk() if e.name == name and all(e[key.rstrip("_")] == value for key, value in attributes.items())]

    def one(self, name, **attributes):
        found = self.all(name, **attributes)
        if len(found) != 1:
            raise AssertionError(f"{len(found)} elements {name} {attributes}")
        return found[0]

    def text(self):
        return "".join(child if isinstance(child, str) else child.text() for child in self.children)


class _Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.root = self.at = Element("", [], None)

    def handle_starttag(self, tag, attrs):
        element = Element(tag, attrs, self.at)
        self.at.children.append(element)
        if tag not in VOID:
            self.at = element

    def handle_startendtag(self, tag, attrs):
        self.at.children.append(Element(tag, attrs, self.at))

    def handle_endtag(self, tag):
        if tag != self.at.name:
            raise AssertionError(f"</{tag}> within <{self.at.name}>, line {self.getpos()[0]}")
        self.at = self.at.parent

    def handle_data(self, data):
        self.at.children.append(data)

    def unknown_decl(self, data):
        raise AssertionError(f"a declaration: {data}")

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")

    def handle_pi(self, data):
        raise AssertionError(f"an instruction: {data}")


def read_html(text):
    """The tree of a page. AssertionError where it is not well-formed."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    if reader.at is not reader.root:
        raise AssertionError(f"<{reader.at.name}> is not ended")
    return reader.root
