"""What the server costs, beside the same load on a bare picows relay."""
