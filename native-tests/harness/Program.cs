using Amesh.Harness;
using Amesh.Harness.Commands;
using Amesh.Harness.Network;

try
{
    Guardian.EndWithParent();
    return args switch
    {
        ["verdicts", .. var rest] => await VerdictsCommand.RunAsync(rest),
        _ => Usage(),
    };
}
catch (HarnessException e)
{
    await Console.Error.WriteLineAsync($"harness: {e.Message}");
    return 2;
}

static int Usage()
{
    Console.Error.WriteLine($"usage: harness {VerdictsCommand.Usage}");
    return 2;
}
