module hijack.test/interop

go 1.23
