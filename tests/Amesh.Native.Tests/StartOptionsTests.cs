using System.Text;

namespace Amesh.Native.Tests;

public class StartOptionsTests
{
    [Fact]
    public void Options_are_read_by_their_names_in_snake_case()
    {
        StartOptions options = StartOptions.Parse("""{"source":"grpc://a:1","log_level":"debug","headers":{"x":"y"},"node":{"id":"n"}}"""u8);

        Assert.Equal("grpc://a:1", options.Source);
        Assert.Equal("debug", options.LogLevel);
        Assert.Equal("y", options.Headers!["x"]);
        Assert.Equal("n", (string?)options.Node!["id"]);
    }

    [Fact]
    public void No_options_are_options() => Assert.Null(StartOptions.Parse([]).Source);

    [Theory]
    [InlineData("{\"sourse\":\"grpc://a:1\"}", "plugin_attr.amesh has an option 'sourse' that is none")]
    [InlineData("{", "options of amesh_start")]
    [InlineData("{\"source\":1}", "source")]
    public void What_is_wrong_is_named(string json, string named)
    {
        StartException error = Assert.Throws<StartException>(() => StartOptions.Parse(Encoding.UTF8.GetBytes(json)));

        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{}""", "AMESH_SOURCE")]
    [InlineData("""{"source":"http://a"}""", "http")]
    [InlineData("""{"source":"grpc://a:1","protocol":"both"}""", "delta or sotw")]
    [InlineData("""{"source":"grpc://a:1","log_level":"loud"}""", "loud")]
    [InlineData("""{"source":"grpcs://a:1","cert":"/c.pem","node":{"id":"n"}}""", "AMESH_KEY")]
    [InlineData("""{"source":"grpc://a:1","bootstrap":"/no/such/file"}""", "/no/such/file")]
    public void An_instance_that_cannot_start_says_why_in_one_line(string json, string named)
    {
        StartOptions options = StartOptions.Parse(Encoding.UTF8.GetBytes(json));

        StartException error = Assert.Throws<StartException>(() => new Instance(options, new MemoryZone(), new MemoryZone()));

        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }
}
