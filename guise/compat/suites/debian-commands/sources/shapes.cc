#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

struct Shape {
    virtual ~Shape() = default;
    virtual double area() const = 0;
};

struct Square : Shape {
    explicit Square(double side) : side(side)
    {
        if (side < 0)
            throw std::invalid_argument("negative side");
    }
    double area() const override { return side * side; }
    double side;
};

int main()
{
    std::vector<std::unique_ptr<Shape>> shapes;
    for (int n = 0; n < 10; n++)
        shapes.push_back(std::make_unique<Square>(n * 0.5));
    std::cout << std::accumulate(shapes.begin(), shapes.end(), 0.0,
                                 [](double sum, const auto &shape) { return sum + shape->area(); })
              << "\n";
    std::map<std::string, int> lengths;
    for (const char *word : {"one", "three", "eleven"})
        lengths[word] = static_cast<int>(std::string(word).size());
    for (const auto &[word, length] : lengths)
        std::cout << word << " " << length << "\n";
    try {
        Square wrong(-1);
    } catch (const std::exception &error) {
        std::cout << error.what() << "\n";
        return 3;
    }
}
