"""The processes of a cluster, put together; each knows no more than its work needs."""
