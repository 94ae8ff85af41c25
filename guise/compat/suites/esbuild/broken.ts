const = 3; let let
