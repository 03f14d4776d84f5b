"""Tell others outside what happens here: signed, each thing once, for as long as it takes."""
