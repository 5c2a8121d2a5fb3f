"""The steps from one release's tables to the next's, as ``NNNN_name.pre.sql`` and ``.post.sql``.

``pre`` steps only add, so that servers of the release before go on; they run when a server
starts. ``post`` steps take away what only that release needed, once none of it runs.
"""
