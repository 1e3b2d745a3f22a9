module hijack.bench/rpc

go 1.23
