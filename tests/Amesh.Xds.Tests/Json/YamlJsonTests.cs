using Amesh.Xds.Json;

namespace Amesh.Xds.Tests.Json;

public sealed class YamlJsonTests
{
    [Theory]
    [InlineData("a: 1\nb: 1.5\nc: -3\nd: 1e3", """{"a":1,"b":1.5,"c":-3,"d":1000}""")]
    [InlineData("a: '1'\nb: \"true\"\nc: !!str 5", """{"a":"1","b":"true","c":"5"}""")]
    [InlineData("a: true\nb: null\nc: ~\nd:\ne: no", """{"a":true,"b":null,"c":null,"d":null,"e":"no"}""")]
    [InlineData("a: 1.2.3\nb: 10s\nc: .inf\nd: 0x1F", """{"a":"1.2.3","b":"10s","c":".inf","d":"0x1F"}""")]
    [InlineData("- a\n- [b, {c: d}]", """["a",["b",{"c":"d"}]]""")]
    [InlineData("a: &x {b: 1}\nc: *x\nd: [*x]", """{"a":{"b":1},"c":{"b":1},"d":[{"b":1}]}""")]
    [InlineData("a: &x [&y 1, *y]\nb: *x", """{"a":[1,1],"b":[1,1]}""")]
    [InlineData("{\"json\": [1, \"two\", null]}", """{"json":[1,"two",null]}""")]
    [InlineData("a: |\n  one\n  two\n", """{"a":"one\ntwo\n"}""")]
    public void Scalars_follow_the_core_schema(string yaml, string json) =>
        Assert.Equal(json, YamlJson.ParseOne(yaml, "f").RootElement.GetRawText());

    [Theory]
    [InlineData("a: [", "f:")]
    [InlineData("a: *nothing", "f:1: *nothing stands for nothing here")]
    [InlineData("a: &x [*x]", "f:1: *x stands for nothing here")]
    [InlineData("[1]: 2", "f:1: a key must be plain text")]
    public void Errors_have_file_and_line(string yaml, string message) =>
        Assert.StartsWith(message, Assert.Throws<SourceException>(() => YamlJson.ParseOne(yaml, "f")).Message);

    [Fact]
    public void Aliases_cannot_make_a_small_file_huge()
    {
        string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + string.Concat(Enumerable.Range(1, 9).Select(i =>
            $"a{i}: &a{i} [{string.Join(",", Enumerable.Repeat($"*a{i - 1}", 10))}]\n"));
        Assert.Contains("too much", Assert.Throws<SourceException>(() => YamlJson.ParseOne(bomb, "f")).Message);
    }
}
