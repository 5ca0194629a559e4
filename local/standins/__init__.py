"""What the embedded AWS lacks, each driven by the declared resources of the deployment file."""
