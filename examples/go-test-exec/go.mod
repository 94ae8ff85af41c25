module example.org/places

go 1.24
