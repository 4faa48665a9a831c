"""Speed and quality measurements that print the figures quoted in the README."""
