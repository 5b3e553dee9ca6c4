"""The documents of REST, made of the table of routes and the Structs of `web.schemas`, so that they cannot differ.

- `document`: OpenAPI 3.1 of a table of routes
- `components`: the schemas of Structs, with what their docstrings say of their fields
- `path_parameters`: what may stand in the place of a path's `{name}`
- `page`: the same document as a page for people

`web.rest.documents` serves them.
"""
