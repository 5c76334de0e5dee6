using Amesh.Harness;
using Amesh.Harness.Commands;
using Amesh.Harness.Network;

try
{
    Guardian.EndWithParent();
    return args switch
    {
        ["verdicts", .. var rest] => await VerdictsCommand.RunAsync(rest),
        ["demo", .. var rest] => await DemoCommand.RunAsync(rest),
        ["pod", .. var rest] => await PodCommand.RunAsync(rest),
        ["native", .. var rest] => await NativeCommand.RunAsync(rest),
        ["capture", .. var rest] => await CaptureCommand.RunAsync(rest),
        _ => Usage(),
    };
}
catch (HarnessException e)
{
    await Console.Error.WriteLineAsync($"harness: {e.Message}");
    return 2;
}
catch (Exception e) when (e is HttpRequestException or IOException or System.Text.Json.JsonException or InvalidOperationException)
{
    await Console.Error.WriteLineAsync($"harness: {e}");
    return 2;
}

static int Usage()
{
    Console.Error.WriteLine($"usage: harness {VerdictsCommand.Usage}\n       harness {DemoCommand.Usage}\n       harness {PodCommand.Usage}\n       harness {NativeCommand.Usage}\n       harness {CaptureCommand.Usage}");
    return 2;
}
