// A library in which a program finds nothing that it asks for.
