module hijack-bench

go 1.22
