-- For LuaJIT: loops that it compiles at once, functions made from text that it compiles anew, string
-- and table work, so that a compiler in the guest writes, patches and throws away code.
local bit = require("bit")
local sum = 0

local function mix(value) sum = bit.tobit(bit.bxor(sum * 33 % 4294967296, value)) end

local function sieve(size)
    local composite, count = {}, 0
    for i = 2, size do
        if not composite[i] then
            count = count + 1
            for j = i + i, size, i do composite[j] = true end
        end
    end
    return count
end

local function escape(cr, ci)
    local zr, zi = 0, 0
    for step = 1, 50 do
        local r2, i2 = zr * zr, zi * zi
        if r2 + i2 > 4 then return step end
        zr, zi = r2 - i2 + cr, 2 * zr * zi + ci
    end
    return 0
end

local function rotate(value, count)
    for i = 1, count do value = bit.bxor(bit.rol(value, 5), i) end
    return value
end

for round = 1, tonumber(arg[1]) do
    mix(sieve(3000))
    for x = 0, 39 do mix(escape(x / 16 - 1.8, round % 50 / 50)) end
    mix(rotate(round, 3000))
    local make = loadstring("local n = 0; for i = 1, 300 do n = n + i % " .. round % 13 + 2 .. " * " .. round % 7 ..
        " end; return n")
    mix(make())
    local parts = {}
    for i = 1, 100 do parts[i] = tostring(i * round % 97) end
    mix(#table.concat(parts, "-"):gsub("1", "one"))
end
print(string.format("%08x", sum % 4294967296))
