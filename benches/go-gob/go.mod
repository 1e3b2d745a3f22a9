module hijack.test/bench-gob

go 1.23
