-- Tables, closures, strings, metatables, coroutines, floating point.
local seed, sum = 1, 0
local function random()
    seed = (seed * 69069 + 1) & 0x7FFFFFFF
    return seed >> 8
end

local Point = {}
Point.__index = Point
Point.__add = function(a, b) return setmetatable({x = a.x + b.x, y = a.y - b.y}, Point) end
function Point:norm() return self.x * self.x + self.y * self.y end

local function counter(step)
    local total = 0
    return function(value)
        total = (total + value * step) & 0xFFFFFF
        return total
    end
end

local function permutations(list, n)
    n = n or #list
    if n <= 1 then
        coroutine.yield(list)
    else
        for i = 1, n do
            list[n], list[i] = list[i], list[n]
            permutations(list, n - 1)
            list[n], list[i] = list[i], list[n]
        end
    end
end

for round = 1, tonumber(arg[1]) do
    local values, count = {}, counter(round)
    for i = 1, 300 do values[i] = random() % 10000 end
    table.sort(values)
    for i = 1, #values, 3 do sum = (sum * 31 + values[i]) & 0xFFFFFFFF end
    local point = setmetatable({x = 0.5, y = 0.25}, Point)
    for i = 1, 100 do
        point = point + setmetatable({x = i / 8, y = values[i] / 16}, Point)
        sum = (sum ~ count(i)) & 0xFFFFFFFF
    end
    sum = (sum + math.floor(point:norm())) & 0xFFFFFFFF
    local parts = {}
    for i = 1, 60 do parts[#parts + 1] = string.format("%d:%x", i, values[i]) end
    for key, value in table.concat(parts, ";"):gmatch("(%d+):(%x+)") do
        sum = (sum + #key * tonumber(value, 16)) & 0xFFFFFFFF
    end
    for list in coroutine.wrap(function() permutations({1, 2, 3, 4}) end) do
        sum = (sum * 33 + list[1] * 4 + list[3]) & 0xFFFFFFFF
    end
end
print(string.format("%08x", sum))
