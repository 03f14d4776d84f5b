"""The same as REST, read in one question: for programs that speak GraphQL."""
