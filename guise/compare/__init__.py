"""`guise compare`: one workload in every style of virtualization, and servers put together on fewer hosts."""
