namespace Moesaic.Models.Tests.Families;

[TestFixture("ling", Containers.Both)]
[TestFixture("ling_mtp", Containers.Both)]
[TestFixture("ling_yarn", Containers.Both)]
public sealed class Ling2Tests(string name, Containers containers) : FamilyTests(name, containers);
